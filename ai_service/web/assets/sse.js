// Server-sent events, read from a response as they come.

const MAX_CHARACTERS = 1024 * 1024; // Of one event: no answer is nearly as long.

/** Yields { name, data, comment }: the event's name ("" without one), its data, and the comment before it. */
export async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) {
      const lines = text.slice(0, end).split("\n");
      const valuesOf = (field) => lines.filter((line) => line.startsWith(`${field}: `)).map((line) => line.slice(field.length + 2));
      yield { name: valuesOf("event")[0] ?? "", data: valuesOf("data").join("\n"), comment: valuesOf("")[0] ?? "" };
    }
    if (text.length > MAX_CHARACTERS) throw new Error("an event is too long");
  }
}

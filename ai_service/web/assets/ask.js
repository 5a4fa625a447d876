// One request: plain JSON, or server-sent events read from the response as they come.

export class AskError extends Error {}

const BROKEN = "The answer was interrupted; its text is void. Try again.";

/** Words for a refusal, with what to do about it. */
function refusal(status, problem, retryAfter) {
  const said = problem?.error ?? `The service returned status ${status}.`;
  const fields = (problem?.details ?? []).map(({ field, problem: why }) => `${field.replace(/^\$\.?/, "") || "request"}: ${why}`);
  const wait = retryAfter ? ` Try again in ${retryAfter} s.` : "";
  const hint = {
    401: " The page's API key is missing or invalid: set ALCHEMORSEL_WEB_API_KEY_FILE for its server.",
    502: " The status panel shows when it is available again.",
  }[status] ?? "";
  return `${said}${fields.length ? ` (${fields.join("; ")})` : ""}${wait}${hint}`;
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) {
      const lines = text.slice(0, end).split("\n");
      const name = lines.find((line) => line.startsWith("event: "))?.slice(7);
      const data = lines.filter((line) => line.startsWith("data: ")).map((line) => line.slice(6)).join("\n");
      if (name) yield [name, JSON.parse(data)];
    }
  }
}

/**
 * Asks, and resolves to { envelope, headers, firstMs, totalMs }; rejects with an AskError in words for people.
 * onStart(author) is called with who writes, onText(text) with what the model writes, onPart({ field, index, value }) with each complete
 * part of the answer; onText(null) and onPart(null) where that has to be dropped.
 */
export async function ask(path, body, { stream, fresh, signal, onStart, onText, onPart }) {
  const begun = performance.now();
  const headers = { "Content-Type": "application/json", Accept: stream ? "text/event-stream" : "application/json" };
  if (fresh) headers["Cache-Control"] = "no-cache";
  let response;
  try {
    response = await fetch(path, { method: "POST", body: JSON.stringify(body), headers, signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new AskError("The page's server does not respond. Check alchemorsel-web.service.");
  }
  if (!response.ok) {
    const problem = await response.json().catch(() => null);
    throw new AskError(refusal(response.status, problem, response.headers.get("Retry-After")));
  }
  const done = (envelope, firstMs) => ({ envelope, headers: response.headers, firstMs, totalMs: performance.now() - begun });
  try {
    if (!response.headers.get("Content-Type").startsWith("text/event-stream")) return done(await response.json(), null);
    let firstMs = null;
    for await (const [name, data] of events(response.body)) {
      if (name === "start") {
        onStart(data);
      } else if (name === "delta") {
        firstMs ??= performance.now() - begun;
        onText(data.text);
      } else if (name === "restart") {
        onText(null);
        onPart(null);
      } else if (name === "answer") {
        return done(data, firstMs);
      } else if (name === "error") {
        throw new AskError(refusal(data.status ?? "error", data, null));
      } else if ("field" in data) {
        onPart(data);
      }
    }
  } catch (error) {
    if (signal.aborted || error instanceof AskError) throw error;
  }
  throw new AskError(BROKEN);
}

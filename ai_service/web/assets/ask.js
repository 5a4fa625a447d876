// One request: plain JSON, or server-sent events read from the response as they come.

import { AskError, refusal } from "./refusal.js";
import { events } from "./sse.js";
import { duration } from "./units.js";

/** Sends a request; resolves to its response, rejects with an AskError. names: the form's fields. */
export async function send(path, body, { headers, signal, names }) {
  let response;
  try {
    const options = { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json", ...headers }, signal };
    response = await fetch(path, options);
  } catch (error) {
    if (signal.aborted) throw error;
    throw new AskError("The page's server does not respond. Check alchemorsel-web.service, then ask again.");
  }
  if (!response.ok) {
    const problem = await response.json().catch(() => null);
    throw refusal(response.status, problem, response.headers.get("Retry-After"), names);
  }
  return response;
}

/** Yields the events of a response; rejects with an AskError in words where it ends before `isEnd` says so. */
export async function* complete(response, { begun, signal, isEnd }) {
  try {
    for await (const event of events(response.body)) {
      yield event;
      if (isEnd(event)) return;
    }
  } catch (error) {
    if (signal.aborted || error instanceof AskError) throw error;
  }
  const after = duration(performance.now() - begun);
  throw new AskError(
    `The answer broke off after ${after}: the service was restarted, or the connection was lost.` +
      " What has come is incomplete and unchecked. Ask again.",
    { isIncomplete: true },
  );
}

/**
 * Asks for a task, and resolves to { envelope, headers, firstMs, totalMs }; rejects with an AskError in words for people.
 * onStart(author) is called with who writes, onText(text) with what the model writes, onPart({ field, index, value }) with each complete
 * part of the answer; onText(null) and onPart(null) where that has to be dropped.
 */
export async function ask(path, body, { stream, fresh, signal, names, onStart, onText, onPart }) {
  const begun = performance.now();
  const headers = { Accept: stream ? "text/event-stream" : "application/json", ...(fresh && { "Cache-Control": "no-cache" }) };
  const response = await send(path, body, { headers, signal, names });
  const done = (envelope, firstMs) => ({ envelope, headers: response.headers, firstMs, totalMs: performance.now() - begun });
  if (!response.headers.get("Content-Type")?.startsWith("text/event-stream")) return done(await response.json(), null);
  let firstMs = null;
  let answer = null;
  for await (const { name, data: text } of complete(response, { begun, signal, isEnd: ({ name }) => name === "answer" })) {
    if (!name) continue;
    const data = JSON.parse(text);
    if (name === "start") {
      onStart(data);
    } else if (name === "delta") {
      firstMs ??= performance.now() - begun;
      onText(data.text);
    } else if (name === "restart") {
      onText(null);
      onPart(null);
    } else if (name === "answer") {
      answer = data;
    } else if (name === "error") {
      throw refusal(data.status ?? "error", data, null, names);
    } else if ("field" in data) {
      onPart(data);
    }
  }
  return done(answer, firstMs);
}

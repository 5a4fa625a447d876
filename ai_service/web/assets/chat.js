// The tab "Chat": a conversation with one of the served models, as OpenAI's clients hold it.

import { complete, send } from "./ask.js";
import { h, say } from "./dom.js";
import { wireForm } from "./forms.js";
import { parseServerTiming } from "./origin.js";
import { refusal } from "./refusal.js";
import { Result } from "./result.js";

const PATH = "/v1/chat/completions";
const MAX_TURNS = 20; // Of a conversation that is sent along: what is older is left out.

/** Lists the served models; resolves to why there are none, "" where there are. */
async function listModels(select) {
  try {
    const response = await fetch("/v1/models", { signal: AbortSignal.timeout(10_000) });
    const body = await response.json();
    if (!response.ok) return refusal(response.status, body, response.headers.get("Retry-After"), []).message;
    select.replaceChildren(...body.data.map(({ id, owned_by: owner }) => h("option", { value: id }, `${id} (${owner})`)));
    return "";
  } catch {
    return "The list of models did not come: the page's server does not respond.";
  }
}

/** Asks for the next turn; resolves as a task does. */
async function converse(body, { stream, fresh, signal, names, onStart, onText }) {
  const begun = performance.now();
  const asked = stream ? { ...body, stream: true, stream_options: { include_usage: true } } : body;
  const response = await send(PATH, asked, { headers: fresh ? { "Cache-Control": "no-cache" } : {}, signal, names });
  const totalMs = () => performance.now() - begun;
  const meta = ({ provider, model, degraded, usage }) => ({ provider, model, degraded, completion_tokens: usage?.completion_tokens ?? 0 });
  if (!response.headers.get("Content-Type")?.startsWith("text/event-stream")) {
    const whole = await response.json();
    onText(whole.choices[0].message.content ?? whole.choices[0].message.refusal ?? "");
    return { headers: response.headers, meta: meta(whole), finish: whole.choices[0].finish_reason, firstMs: null, totalMs: totalMs() };
  }
  let [firstMs, finish, said] = [null, "", {}];
  for await (const { data, comment } of complete(response, { begun, signal, isEnd: ({ data }) => data === "[DONE]" })) {
    if (comment.startsWith("server-timing: ")) said.timings_ms = parseServerTiming(comment.slice(15));
    if (!data || data === "[DONE]") continue;
    const chunk = JSON.parse(data);
    if (chunk.error) throw refusal(chunk.error.code ?? "error", chunk, null, names);
    if (!said.provider) onStart(chunk);
    said = { ...said, ...meta(chunk) };
    const [choice] = chunk.choices;
    finish = choice?.finish_reason ?? finish;
    const text = choice?.delta.content ?? choice?.delta.refusal;
    if (!text) continue;
    firstMs ??= performance.now() - begun;
    onText(text);
  }
  return { headers: response.headers, meta: said, finish, firstMs, totalMs: totalMs() };
}

/** Wires the form of the conversation. */
export function wireChat(form) {
  const panel = form.parentElement;
  const log = panel.querySelector(".turns");
  const { model, messages: field } = form.elements;
  let turns = []; // { role, content }: the model's answer is the last one.
  const result = new Result(panel, () => start({ fresh: true }));

  function showEarlier(earlier) {
    const words = ({ role, content }) => h("li", { class: role }, h("strong", {}, role === "user" ? "You" : "Model"), h("p", {}, content));
    log.replaceChildren(...earlier.map(words));
    log.hidden = earlier.length === 0;
  }

  async function run(body, options) {
    const [earlier, question] = [body.messages.slice(0, -1), body.messages.at(-1)];
    let text = "";
    const nodes = () => [h("p", { class: "question" }, question.content), h("p", { class: "text" }, text)];
    const onText = (piece) => {
      text += piece;
      result.write(piece);
      result.show(nodes(), "growing");
    };
    showEarlier(earlier);
    const answer = await converse(body, { ...options, onStart: (author) => result.showAuthor(author), onText });
    const cut = answer.finish === "length" ? [h("p", { class: "note" }, "The answer was cut off at its token limit.")] : [];
    turns = [...body.messages, { role: "assistant", content: text }];
    result.show([...nodes(), ...cut], "");
    result.finish({ ...answer, tokens: answer.meta.completion_tokens });
    field.value = "";
  }

  const body = (_form, { fresh }) => {
    const content = field.value.trim(); // Empty after an answer, which is the one that is computed anew.
    const messages = fresh && !content ? turns.slice(0, -1) : [...turns, { role: "user", content }];
    return { model: model.value, messages: messages.slice(-MAX_TURNS) };
  };
  const start = wireForm(form, { main: "messages", body, run, result });
  panel.querySelector(".anew").addEventListener("click", () => {
    turns = [];
    showEarlier(turns);
    result.root.hidden = true;
    field.focus();
  });
  panel.addEventListener("open", async () => {
    if (!model.options.length) say(form.querySelector(".problem.general"), await listModels(model));
  });
}

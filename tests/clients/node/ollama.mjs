// Ollama's client for JavaScript.

import { Ollama } from "ollama";

import * as cells from "./cells.mjs";

const { target, user } = cells;
const client = new Ollama({ host: target.url });
const options = { temperature: 0, seed: cells.SEED, num_predict: cells.MAX_TOKENS };
const FORMAT = {
  type: "object",
  properties: { vegan: { type: "boolean" }, minutes: { type: "integer", minimum: 1, maximum: 99 } },
  required: ["vegan", "minutes"],
};

const chat = (messages, more = {}) => client.chat({ model: target.model, messages, options, ...more });
const counts = (answer) => ({ prompt_tokens: answer.prompt_eval_count, completion_tokens: answer.eval_count });
const called = (calls) => calls.map((call) => ({ name: call.function.name, arguments: call.function.arguments }));

await cells.serve("ollama", {
  async plain() {
    const answer = await chat([user(cells.PLAIN)]);
    return { text: answer.message.content, ...counts(answer) };
  },
  async generate() {
    const answer = await client.generate({
      model: target.model, prompt: "What is gnocchi?", system: "Be short.", options,
    });
    return { text: answer.response, ...counts(answer) };
  },
  async stream() {
    const chunks = [];
    for await (const chunk of await chat([user(cells.STREAMED)], { stream: true })) chunks.push(chunk);
    const pieces = chunks.map((chunk) => chunk.message.content).filter(Boolean);
    return { text: pieces.join(""), pieces: pieces.length, ...counts(chunks.at(-1)) };
  },
  async conversation() {
    const first = (await chat([user(cells.OPENING)])).message;
    const second = (await chat([user(cells.OPENING), first, user(cells.FURTHER)])).message;
    return { texts: [first.content, second.content] };
  },
  async structured() {
    const asked = { format: FORMAT, options: { ...options, num_predict: cells.STRUCTURED_MAX_TOKENS } };
    return JSON.parse((await chat([user(cells.DESCRIBE)], asked)).message.content);
  },
  async long() {
    const stop = target.stop.length ? { stop: target.stop } : {};
    const asked = { options: { ...options, num_predict: cells.LONG_MAX_TOKENS, ...stop } };
    const answer = await chat([user(cells.TELL)], asked);
    return { text: answer.message.content, ...counts(answer) };
  },
  unknown_model: () => chat([user("x")], { model: cells.UNKNOWN_MODEL }),
  async cached() {
    const texts = [];
    for (let at = 0; at < 2; at += 1) texts.push((await chat([user(cells.REPEATED)])).message.content);
    return { texts };
  },
  async embeddings() {
    const answer = await client.embed({ model: target.model, input: ["basil", "a soup"] });
    return { lengths: answer.embeddings.map((each) => each.length) };
  },
  async models() {
    const names = (await client.list()).models.map((model) => model.model);
    await client.show({ model: names[0] });
    await client.ps();
    return { names, retrieved: names[0] };
  },
  async tools() {
    const { message } = await chat([user(cells.ASK_WEATHER)], { tools: [cells.TOOL] });
    const result = { role: "tool", tool_name: message.tool_calls[0].function.name, content: cells.WEATHER };
    const final = await chat([user(cells.ASK_WEATHER), message, result], { tools: [cells.TOOL] });
    return { calls: called(message.tool_calls), text: final.message.content };
  },
  async tools_stream() {
    const calls = [];
    for await (const chunk of await chat([user(cells.ASK_WEATHER)], { tools: [cells.TOOL], stream: true })) {
      calls.push(...(chunk.message.tool_calls ?? []));
    }
    return { calls: called(calls) };
  },
});

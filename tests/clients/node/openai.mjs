// OpenAI's client for JavaScript.

import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

import * as cells from "./cells.mjs";

const { target, user } = cells;
const client = new OpenAI({ baseURL: cells.v1, apiKey: "none", maxRetries: 0 });
const options = { model: target.model, max_tokens: cells.MAX_TOKENS, temperature: 0, seed: cells.SEED };
const Dish = z.object({ vegan: z.boolean(), minutes: z.number().int().min(1).max(99) });

const chat = (messages, more = {}) => client.chat.completions.create({ ...options, messages, ...more });
const text = (answer) => answer.choices[0].message.content;
const counts = ({ usage }) => ({ prompt_tokens: usage.prompt_tokens, completion_tokens: usage.completion_tokens });

await cells.serve("openai", {
  async plain() {
    const answer = await chat([user(cells.PLAIN)]);
    return { text: text(answer), ...counts(answer) };
  },
  async stream() {
    const runner = client.chat.completions.stream({
      ...options, messages: [user(cells.STREAMED)], stream_options: { include_usage: true },
    });
    let pieces = 0;
    runner.on("content", () => { pieces += 1; });
    const answer = await runner.finalChatCompletion();
    return { text: text(answer), pieces, ...counts(answer) };
  },
  async conversation() {
    const first = (await chat([user(cells.OPENING)])).choices[0].message;
    const second = await chat([user(cells.OPENING), first, user(cells.FURTHER)]);
    return { texts: [first.content, text(second)] };
  },
  async structured() {
    const answer = await client.chat.completions.parse({
      ...options,
      max_tokens: cells.STRUCTURED_MAX_TOKENS,
      messages: [user(cells.DESCRIBE)],
      response_format: zodResponseFormat(Dish, "dish"),
    });
    return answer.choices[0].message.parsed;
  },
  async long() {
    const more = { max_tokens: cells.LONG_MAX_TOKENS, ...(target.stop.length ? { stop: target.stop } : {}) };
    const answer = await chat([user(cells.TELL)], more);
    return { text: text(answer), ...counts(answer) };
  },
  unknown_model: () => chat([user("x")], { model: cells.UNKNOWN_MODEL }),
  async cached() {
    const texts = [];
    for (let at = 0; at < 2; at += 1) texts.push(text(await chat([user(cells.REPEATED)])));
    return { texts };
  },
  async embeddings() {
    const answer = await client.embeddings.create({ model: target.model, input: ["basil", "a soup"] });
    return { lengths: answer.data.map((each) => each.embedding.length) };
  },
  async models() {
    const names = (await client.models.list()).data.map((model) => model.id);
    return { names, retrieved: (await client.models.retrieve(names[0])).id };
  },
  async tools() {
    const { message } = (await chat([user(cells.ASK_WEATHER)], { tools: [cells.TOOL] })).choices[0];
    const [call] = message.tool_calls;
    const result = { role: "tool", tool_call_id: call.id, content: cells.WEATHER };
    const final = await chat([user(cells.ASK_WEATHER), message, result], { tools: [cells.TOOL] });
    return {
      calls: [{ name: call.function.name, arguments: JSON.parse(call.function.arguments) }],
      text: text(final),
    };
  },
  async tools_stream() {
    const runner = client.chat.completions.stream({
      ...options, messages: [user(cells.ASK_WEATHER)], tools: [cells.TOOL],
    });
    const { message } = (await runner.finalChatCompletion()).choices[0];
    const calls = message.tool_calls.map((call) => call.function);
    return { calls: calls.map((each) => ({ name: each.name, arguments: JSON.parse(each.arguments) })) };
  },
});

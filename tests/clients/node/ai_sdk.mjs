// Vercel's AI SDK, with its provider for servers of OpenAI's wire format.

import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import * as ai from "ai";
import { z } from "zod";

import * as cells from "./cells.mjs";

const { target, user } = cells;
const provider = createOpenAICompatible({
  name: "alchemorsel", baseURL: cells.v1, apiKey: "none", includeUsage: true, supportsStructuredOutputs: true,
});
const options = {
  model: provider(target.model), maxOutputTokens: cells.MAX_TOKENS, temperature: 0, seed: cells.SEED, maxRetries: 0,
};
const Dish = z.object({ vegan: z.boolean(), minutes: z.number().int().min(1).max(99) });

const counts = (usage) => ({ prompt_tokens: usage.inputTokens, completion_tokens: usage.outputTokens });
const weather = (calls) => ai.tool({
  description: "Get the weather of a city.",
  inputSchema: z.object({ city: z.string() }),
  execute: async (input) => {
    calls.push({ name: "weather", arguments: input });
    return cells.WEATHER;
  },
});
/** Reads a stream, whose errors the SDK only reports. */
async function read(asked) {
  let failure;
  const result = ai.streamText({ ...asked, onError: ({ error }) => { failure = error; } });
  const pieces = [];
  for await (const piece of result.textStream) pieces.push(piece);
  if (failure) throw failure;
  return { text: pieces.join(""), pieces: pieces.length, usage: await result.usage };
}

await cells.serve("ai", {
  async plain() {
    const answer = await ai.generateText({ ...options, prompt: cells.PLAIN });
    return { text: answer.text, ...counts(answer.usage) };
  },
  async stream() {
    const { text, pieces, usage } = await read({ ...options, prompt: cells.STREAMED });
    return { text, pieces, ...counts(usage) };
  },
  async conversation() {
    const messages = [user(cells.OPENING)];
    const first = await ai.generateText({ ...options, messages });
    const { messages: returned } = first.response;
    const second = await ai.generateText({ ...options, messages: [...messages, ...returned, user(cells.FURTHER)] });
    return { texts: [first.text, second.text] };
  },
  async structured() {
    const asked = { ...options, maxOutputTokens: cells.STRUCTURED_MAX_TOKENS };
    const answer = await ai.generateText({
      ...asked, output: ai.Output.object({ schema: Dish }), prompt: cells.DESCRIBE,
    });
    return answer.output;
  },
  async long() {
    const stop = target.stop.length ? { stopSequences: target.stop } : {};
    const asked = { ...options, maxOutputTokens: cells.LONG_MAX_TOKENS, ...stop };
    const answer = await ai.generateText({ ...asked, prompt: cells.TELL });
    return { text: answer.text, ...counts(answer.usage) };
  },
  async unknown_model() {
    return (await ai.generateText({ ...options, model: provider(cells.UNKNOWN_MODEL), prompt: "x" })).text;
  },
  async cached() {
    const texts = [];
    for (let at = 0; at < 2; at += 1) {
      texts.push((await ai.generateText({ ...options, prompt: cells.REPEATED })).text);
    }
    return { texts };
  },
  async embeddings() {
    const model = provider.embeddingModel(target.model);
    const { embeddings } = await ai.embedMany({ model, values: ["basil", "a soup"], maxRetries: 0 });
    return { lengths: embeddings.map((each) => each.length) };
  },
  async tools() {
    const calls = [];
    const answer = await ai.generateText({
      ...options, prompt: cells.ASK_WEATHER, tools: { weather: weather(calls) }, stopWhen: ai.isStepCount(3),
    });
    return { calls, text: answer.text };
  },
  async tools_stream() {
    const calls = [];
    const { text } = await read({
      ...options, prompt: cells.ASK_WEATHER, tools: { weather: weather(calls) }, stopWhen: ai.isStepCount(3),
    });
    return { calls, text };
  },
});

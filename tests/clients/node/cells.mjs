// What the client programs for Node.js share; the same questions and answers as tests/clients/programs/cells.py.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

export const target = JSON.parse(process.argv[2]);
export const v1 = `${target.url}/v1`;
export const PLAIN = "What is pesto?";
export const STREAMED = "What is risotto?";
export const OPENING = "Name a soup.";
export const FURTHER = "Name another one.";
export const DESCRIBE = "Describe pancakes as compact JSON: vegan, minutes.";
export const TELL = "Write a long story about a cook.";
export const REPEATED = "What is polenta?";
export const ASK_WEATHER = "What is the weather in Rome?";
export const WEATHER = "sunny";
export const MAX_TOKENS = 24;
export const STRUCTURED_MAX_TOKENS = 64;
export const LONG_MAX_TOKENS = 4096;
export const SEED = 1;
export const UNKNOWN_MODEL = "gpt-4o";
export const TOOL = {
  type: "function",
  function: {
    name: "weather",
    description: "Get the weather of a city.",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};

export const user = (content) => ({ role: "user", content });

const write = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

const describe = (error) => ({
  type: error?.name ?? typeof error,
  status: error?.status ?? error?.statusCode ?? error?.status_code ?? null,
  message: String(error?.message ?? error).slice(0, 1000),
});

/** Answers cells until the standard input ends; `name` is the client's package. */
export async function serve(name, cells) {
  const manifest = new URL(`node_modules/${name}/package.json`, import.meta.url);
  write({ version: JSON.parse(readFileSync(manifest, "utf8")).version });
  for await (const line of createInterface({ input: process.stdin })) {
    try {
      write({ value: await cells[line.trim()]() });
    } catch (error) {
      write({ error: describe(error) });
    }
  }
}

// Refusals in words: what is wrong, beside which field, and when to try again.

const HINTS = {
  401: "The page's API key is missing or invalid: set ALCHEMORSEL_WEB_API_KEY_FILE for its server.",
  502: "The service status shows when it is available again.",
};

/**
 * Why there is no answer.
 * message: a sentence for the whole form; "" where fields say it all. fields: words by the field's name.
 * isIncomplete: some of the answer has come.
 */
export class AskError extends Error {
  constructor(message, { fields = new Map(), isIncomplete = false } = {}) {
    super(message);
    this.fields = fields;
    this.isIncomplete = isIncomplete;
  }
}

/** "Try again in 12 s, at 10:02:03."; "" where nobody says when. */
function again(retryAfter) {
  const seconds = Number(retryAfter);
  if (!retryAfter || !Number.isFinite(seconds)) return "";
  return `Try again in ${seconds} s, at ${new Date(Date.now() + seconds * 1000).toLocaleTimeString()}.`;
}

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");

/**
 * The error of a response.
 * problem: its body, in the service's or in OpenAI's shape; null where it is none. names: the form's fields.
 */
export function refusal(status, problem, retryAfter, names) {
  const said = problem?.error?.message ?? problem?.error ?? `The service returned status ${status}.`;
  const fields = new Map();
  const others = [];
  const told = problem?.error?.param ? [{ field: `$.${problem.error.param}`, problem: said }] : (problem?.details ?? []);
  for (const { field, problem: why } of told) {
    const [, name, index] = /^\$\.(\w+)(?:\[(\d+)\])?/.exec(field) ?? [];
    if (names.includes(name)) fields.set(name, sentence(index === undefined ? why : `item ${Number(index) + 1}: ${why}`));
    else others.push(`${field.replace(/^\$\.?/, "") || "request"}: ${why}`);
  }
  if (fields.size && !others.length) return new AskError("", { fields });
  const detail = others.length ? `(${others.join("; ")})` : "";
  return new AskError([said, detail, again(retryAfter), HINTS[status]].filter(Boolean).join(" "), { fields });
}

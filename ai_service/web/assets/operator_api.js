// The operator's routes of the page's server, with the administrator's key, which is kept nowhere but here.

import { AskError, refusal } from "./refusal.js";

const DEADLINE_MS = 35_000;

/** Why a key is refused; the page asks for another one. */
export class KeyRefused extends AskError {}

export class OperatorApi {
  constructor(key) {
    this.key = key;
  }

  /** Resolves to the `data` of an answer, or to the whole where it has none; rejects with an AskError. */
  async get(path, method = "GET") {
    let response;
    try {
      const headers = { Authorization: `Bearer ${this.key}` };
      response = await fetch(path, { method, headers, signal: AbortSignal.timeout(DEADLINE_MS) });
    } catch {
      throw new AskError("The page's server does not respond. Check alchemorsel-web.service.");
    }
    const body = await response.json().catch(() => null);
    if (response.ok && body) return body.data ?? body;
    if ([401, 403].includes(response.status)) throw new KeyRefused(body?.error ?? "The key is refused.");
    throw refusal(response.status, body, response.headers.get("Retry-After"), []);
  }

  purge(task) {
    return this.get(`/operator/cache?task=${encodeURIComponent(task)}`, "DELETE");
  }
}

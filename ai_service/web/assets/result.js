// What a tab shows of its answer, which stays when another tab is opened.

import { describeDegraded, showWarnings } from "./degraded.js";
import { $, copy, patch, say } from "./dom.js";
import { originNodes } from "./origin.js";
import { duration } from "./units.js";

const TICK_MS = 200;

/** "first piece after 0.4 s · 31 tokens/s", as far as it is known. */
function speed({ firstMs, totalMs, tokens }) {
  const parts = [];
  if (firstMs !== null) parts.push(`first piece after ${duration(firstMs)}`);
  const writing = totalMs - (firstMs ?? 0);
  if (tokens > 1 && firstMs !== null && writing > 0) parts.push(`${((1000 * tokens) / writing).toFixed(1)} tokens/s`);
  return parts.join(" · ");
}

/** The answer below a form; onAgain is called for another one, past the cache. */
export class Result {
  constructor(panel, onAgain) {
    panel.append($("result-template").content.cloneNode(true));
    this.root = panel.querySelector(".result");
    this.find = (name) => this.root.querySelector(`.${name}`);
    this.find("again").addEventListener("click", onAgain);
    this.find("copy").addEventListener("click", () => this.#copy());
  }

  /** Begins with nothing but a clock. */
  begin() {
    this.root.hidden = false;
    for (const name of ["answer", "raw", "notice", "warnings", "origin", "tools"]) this.find(name).hidden = true;
    this.find("answer").replaceChildren();
    this.find("writing").textContent = "";
    const begun = performance.now();
    this.firstMs = null;
    say(this.find("progress"), "Request sent");
    this.timer = setInterval(() => {
      const first = this.firstMs === null ? "" : ` · first piece after ${duration(this.firstMs)}`;
      this.find("clock").textContent = `${duration(performance.now() - begun)}${first}`;
    }, TICK_MS);
    this.begun = begun;
  }

  /** Who writes, with what is wrong about that. */
  showAuthor(author, header = null) {
    say(this.find("notice"), describeDegraded(author, header));
    say(this.find("progress"), `${author.provider} (${author.model}) is writing`);
  }

  /** A piece of the text; null drops what there is. */
  write(text) {
    const writing = this.find("writing");
    this.find("raw").hidden = false;
    this.firstMs ??= performance.now() - this.begun;
    if (text === null) writing.textContent = "";
    else writing.append(text);
  }

  /** What is there so far, or all of it. */
  show(nodes, state) {
    const answer = this.find("answer");
    answer.className = `answer ${state}`;
    patch(answer, nodes);
    answer.hidden = nodes.length === 0;
  }

  /** The end: what came, from where, and how fast. */
  finish({ headers, meta, firstMs, totalMs, tokens }) {
    const banner = describeDegraded(meta, headers.get("X-AI-Degraded"));
    say(this.find("notice"), banner);
    showWarnings(this.find("warnings"), meta.warnings);
    this.find("answer").classList.toggle("degraded", Boolean(banner));
    const told = { ...meta, degraded: Boolean(banner) };
    patch(this.find("origin").querySelector("div"), originNodes({ headers, meta: told, firstMs, totalMs }));
    this.find("origin").hidden = false;
    this.#end(`Answered in ${duration(totalMs)}`, speed({ firstMs, totalMs, tokens }));
  }

  /** The end without an answer; what came stays where it is worth something. */
  stop(words, { keep }) {
    if (keep && this.find("answer").hasChildNodes()) this.find("answer").classList.replace("growing", "incomplete");
    else this.find("answer").hidden = true;
    this.find("raw").hidden = !keep || !this.find("writing").textContent;
    if (!keep) this.find("notice").hidden = true;
    this.#end(words, "");
  }

  #end(words, detail) {
    clearInterval(this.timer);
    say(this.find("progress"), words);
    this.find("clock").textContent = detail;
    this.find("tools").hidden = this.find("answer").hidden;
  }

  async #copy() {
    const [button, was] = [this.find("copy"), "Copy"];
    const parts = [...this.find("answer").children].map((part) => part.innerText.trim());
    try {
      await copy(parts.join("\n\n"));
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not copied: select the text";
    }
    setTimeout(() => (button.textContent = was), 2000);
  }
}

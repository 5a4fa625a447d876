// Forms: one request at a time, its refusals beside their fields.

import { $, h, markInvalid, say } from "./dom.js";
import { AskError } from "./refusal.js";

const MAX_BYTES = 64 * 1024; // Of a request: the limit of the page's server.

/** Gives each named field a place for what is wrong with it. */
function placeProblems(form) {
  for (const field of fields(form)) {
    const id = `${form.dataset.task}-${field.name}-problem`;
    const problem = h("p", { class: "problem", id, role: "alert", hidden: true });
    field.setAttribute("aria-describedby", id);
    (field.closest("label") ?? field).after(problem);
  }
}

const fields = (form) => [...form.elements].filter((field) => field.name && field.type !== "checkbox");

function sayProblem(form, field, words) {
  say($(`${form.dataset.task}-${field.name}-problem`), words);
  markInvalid(field, Boolean(words));
}

/** Shows why there is no answer, and moves the focus to the first field that is wrong. */
function refuse(form, error) {
  const wrong = fields(form).filter((field) => error.fields.has(field.name));
  for (const field of wrong) {
    sayProblem(form, field, error.fields.get(field.name));
    const folded = field.closest("details");
    if (folded) folded.open = true;
  }
  say(form.querySelector(".problem.general"), error.message);
  wrong[0]?.focus();
}

function accept(form) {
  for (const field of fields(form)) sayProblem(form, field, "");
  say(form.querySelector(".problem.general"), "");
}

/**
 * Wires a form. main: the field that a request too long is said beside. body(form, { fresh }): the request.
 * run(body, { fresh, signal, names, stream }): asks and shows the answer. result: where it is shown.
 * Returns the function that asks; { fresh: true } past the cache.
 */
export function wireForm(form, { main, body, run, result }) {
  placeProblems(form);
  form.querySelector(".actions").append($("actions-template").content.cloneNode(true));
  const submit = form.querySelector("[type=submit]");
  const stop = form.querySelector(".stop");
  let controller = null;

  async function start({ fresh = false } = {}) {
    if (controller) return;
    const asked = body(form, { fresh });
    const bytes = new TextEncoder().encode(JSON.stringify(asked)).length;
    accept(form);
    if (bytes > MAX_BYTES) {
      refuse(form, new AskError("", { fields: new Map([[main, `Too long: ${bytes} bytes; expected at most ${MAX_BYTES}.`]]) }));
      return;
    }
    controller = new AbortController();
    [submit.disabled, stop.hidden] = [true, false];
    result.begin();
    const names = fields(form).map((field) => field.name);
    try {
      await run(asked, { fresh, signal: controller.signal, names, stream: form.elements.stream.checked });
    } catch (error) {
      if (controller.signal.aborted) {
        result.stop("Stopped. What came until then is incomplete and unchecked.", { keep: true });
      } else {
        const said = error instanceof AskError ? error : new AskError(`This page failed: ${error.message}`);
        result.stop(said.isIncomplete ? "Incomplete." : "No answer.", { keep: said.isIncomplete });
        refuse(form, said);
      }
    } finally {
      controller = null;
      [submit.disabled, stop.hidden] = [false, true];
    }
  }

  stop.addEventListener("click", () => controller?.abort());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    start();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      start();
    }
  });
  return start;
}

// Wires the page: tabs, forms, status panel.

import { ask, AskError } from "./ask.js";
import { watch } from "./status_panel.js";
import { showDegraded, showWarnings } from "./degraded.js";
import { $, duration, say } from "./dom.js";
import { originNodes } from "./origin.js";
import { TASKS } from "./tasks.js";
import { chooseTheme } from "./theme.js";

const MAX_CHARACTERS = 60_000; // Of a request: below the service's limit of 64 KiB.

function choose(tabs, chosen) {
  for (const tab of tabs) {
    const selected = tab === chosen;
    tab.setAttribute("aria-selected", String(selected));
    tab.tabIndex = selected ? 0 : -1;
    $(tab.getAttribute("aria-controls")).hidden = !selected;
  }
}

function wireTabs() {
  const tabs = [...document.querySelectorAll("[role=tab]")];
  tabs.forEach((tab, index) => {
    tab.addEventListener("click", () => choose(tabs, tab));
    tab.addEventListener("keydown", ({ key }) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
      if (!step) return;
      const next = tabs[(index + step + tabs.length) % tabs.length];
      choose(tabs, next);
      next.focus();
    });
  });
}

function clear() {
  $("result").hidden = false;
  for (const id of ["raw", "degraded", "answer", "warnings", "origin"]) $(id).hidden = true;
  $("writing").textContent = "";
}

function showText(text) {
  const writing = $("writing");
  $("raw").hidden = false;
  if (text === null) writing.textContent = "";
  else writing.append(text);
  writing.scrollTop = writing.scrollHeight;
}

/** Shows the parts of an answer as they come; the function that it returns takes them. */
function partsShown(task) {
  let data = {};
  return (part) => {
    if (part === null) data = {};
    else if (part.index === undefined) data[part.field] = part.value;
    else (data[part.field] ??= [])[part.index] = part.value;
    $("answer").className = "growing";
    $("answer").replaceChildren(...task.nodes(data));
    $("answer").hidden = part === null;
  };
}

function showAnswer(task, result) {
  const { data, meta } = result.envelope;
  $("raw").hidden = true;
  $("answer").className = meta.degraded ? "degraded" : "";
  $("answer").replaceChildren(...task.nodes(data));
  $("answer").hidden = false;
  showDegraded(meta, result.headers.get("X-AI-Degraded"));
  showWarnings(meta.warnings);
  $("origin-body").replaceChildren(...originNodes(result));
  $("origin").hidden = false;
  $("progress").textContent = `Answered in ${duration(result.totalMs)}.`;
}

function refuse(form, problem, words) {
  say(problem, words);
  const field = form.elements[TASKS[form.dataset.task].main];
  field.setAttribute("aria-invalid", String(Boolean(words)));
  if (words) {
    $("progress").textContent = "No answer.";
    field.focus();
  }
}

function wireForm(form) {
  const task = TASKS[form.dataset.task];
  const problem = form.querySelector(".problem");
  form.querySelector(".actions").append($("actions").content.cloneNode(true));
  const submit = form.querySelector("[type=submit]");
  const stop = form.querySelector(".stop");
  let controller = null;

  stop.addEventListener("click", () => controller?.abort());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = task.body(form);
    clear();
    refuse(form, problem, "");
    const length = JSON.stringify(body).length;
    if (length > MAX_CHARACTERS) {
      refuse(form, problem, `Too long: ${length} characters; expected at most ${MAX_CHARACTERS}.`);
      return;
    }
    controller = new AbortController();
    const begun = performance.now();
    const tick = setInterval(() => ($("progress").textContent = `Running for ${duration(performance.now() - begun)}…`), 500);
    $("progress").textContent = "Request sent.";
    [submit.disabled, stop.hidden] = [true, false];
    const { stream, fresh } = form.elements;
    try {
      const options = { stream: stream.checked, fresh: fresh.checked, signal: controller.signal, onStart: showDegraded, onText: showText, onPart: partsShown(task) };
      const result = await ask(task.path, body, options);
      clearInterval(tick);
      showAnswer(task, result);
    } catch (error) {
      clearInterval(tick);
      $("raw").hidden = $("answer").hidden = true;
      if (controller.signal.aborted) $("progress").textContent = "Stopped.";
      else refuse(form, problem, error instanceof AskError ? error.message : `This page failed: ${error.message}`);
    } finally {
      clearInterval(tick);
      [submit.disabled, stop.hidden] = [false, true];
    }
  });
}

chooseTheme($("theme"));
wireTabs();
document.querySelectorAll("form").forEach(wireForm);
watch();

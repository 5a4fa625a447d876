// Wires the page: tabs, forms, status panel.

import { ask } from "./ask.js";
import { wireChat } from "./chat.js";
import { $ } from "./dom.js";
import { wireForm } from "./forms.js";
import { Result } from "./result.js";
import { watch } from "./status_panel.js";
import { wireTabs } from "./tabs.js";
import { TASKS } from "./tasks.js";
import { chooseTheme } from "./theme.js";

function wireTask(form) {
  const task = TASKS[form.dataset.task];
  const result = new Result(form.parentElement, () => start({ fresh: true }));

  async function run(body, options) {
    let data = {};
    const onPart = (part) => {
      if (part === null) data = {};
      else if (part.index === undefined) data[part.field] = part.value;
      else (data[part.field] ??= [])[part.index] = part.value;
      result.show(task.nodes(data), "growing");
    };
    const onStart = (author) => result.showAuthor(author);
    const answer = await ask(task.path, body, { ...options, onStart, onText: (text) => result.write(text), onPart });
    const { data: whole, meta } = answer.envelope;
    result.show(task.nodes(whole), "");
    result.finish({ ...answer, meta, tokens: meta.completion_tokens ?? 0 });
  }

  const start = wireForm(form, { main: task.main, body: task.body, run, result });
}

chooseTheme($("theme"));
wireTabs($("tabs"));
document.querySelectorAll("form[data-task]").forEach((form) => (form.dataset.task in TASKS ? wireTask(form) : wireChat(form)));
watch();

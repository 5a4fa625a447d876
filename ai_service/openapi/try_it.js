"use strict";

const SHOWN_HEADERS = [
  "cache-status",
  "age",
  "x-ai-provider",
  "x-ai-model",
  "x-ai-degraded",
  "server-timing",
  "retry-after",
  "x-request-id",
];
const MAX_SHOWN = 1024 * 1024;
const DEADLINE_MS = 130_000; // above the API's own deadline

const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/** What a form asks for: path and query from its fields, headers from its switches. */
function request(form) {
  let path = form.dataset.path;
  const query = new URLSearchParams();
  for (const field of form.querySelectorAll("input[data-in]")) {
    if (field.dataset.in === "path") path = path.replace(`{${field.name}}`, encodeURIComponent(field.value));
    else if (field.value) query.set(field.name, field.value);
  }
  const headers = {};
  const body = form.elements.body?.value;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (form.elements.stream?.checked) headers.Accept = "text/event-stream";
  if (form.elements.fresh?.checked) headers["Cache-Control"] = "no-cache";
  return { path: query.size ? `${path}?${query}` : path, headers, body };
}

function showCommand(form) {
  const { path, headers, body } = request(form);
  const words = ["curl", headers.Accept ? "-iN" : "-i", quoted(location.origin + path)];
  if (form.dataset.key) words.push('-H "Authorization: Bearer $KEY"');
  for (const [name, value] of Object.entries(headers)) words.push("-H", quoted(`${name}: ${value}`));
  if (body !== undefined) words.push("-d", quoted(body));
  form.parentElement.querySelector(".curl").textContent = words.join(" ");
}

/** Text of a whole answer, indented where it is JSON. */
function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

async function send(form, stopped) {
  const status = form.querySelector("[role=status]");
  const output = form.querySelector("output");
  const { path, headers, body } = request(form);
  const key = document.getElementById("key").value;
  if (form.dataset.key && key) headers.Authorization = `Bearer ${key}`;
  output.hidden = true;
  output.textContent = "";
  status.textContent = "Waiting for the answer ...";
  const begun = performance.now();
  const signal = AbortSignal.any([stopped, AbortSignal.timeout(DEADLINE_MS)]);
  const response = await fetch(path, { method: form.dataset.method, headers, body, signal });
  const told = SHOWN_HEADERS.filter((name) => response.headers.has(name)).map((name) => `${name}: ${response.headers.get(name)}`);
  const head = `${response.status} ${response.statusText}\n${told.join("\n")}\n\n`;
  output.hidden = false;
  let text = "";
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    text += read.value;
    output.textContent = head + text;
    if (text.length > MAX_SHOWN) {
      status.textContent = "The answer is too long to show; its beginning is below.";
      reader.cancel();
      return;
    }
  }
  if (!headers.Accept) output.textContent = head + pretty(text);
  status.textContent = `Status ${response.status} after ${((performance.now() - begun) / 1000).toFixed(2)} s.`;
}

async function submit(form) {
  const status = form.querySelector("[role=status]");
  const stop = form.querySelector("[name=stop]");
  const body = form.elements.body;
  try {
    if (body) JSON.parse(body.value);
  } catch (error) {
    status.textContent = `The body is not JSON: ${error.message}`;
    body.setAttribute("aria-invalid", "true");
    body.focus();
    return;
  }
  body?.removeAttribute("aria-invalid");
  const control = new AbortController();
  stop.disabled = false;
  stop.onclick = () => control.abort();
  try {
    await send(form, control.signal);
  } catch (error) {
    status.textContent =
      error.name === "AbortError" ? "Stopped." : error.name === "TimeoutError" ? "No answer in time." : "The API cannot be reached.";
  } finally {
    stop.disabled = true;
  }
}

for (const form of document.querySelectorAll("form[data-path]")) {
  form.hidden = false;
  showCommand(form);
  form.addEventListener("input", () => showCommand(form));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (form.querySelector("[name=stop]").disabled) submit(form);
  });
  form.elements.body?.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
}
document.getElementById("access").hidden = false;
document.getElementById("without-script").hidden = true;

/** A link to something folded up unfolds it. */
function unfold() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    target.scrollIntoView();
  }
}
addEventListener("hashchange", unfold);
unfold();

// Wires the operator's page: the key, then what is read with it while the page is visible.

import { wireCache } from "./cached.js";
import { $, markInvalid, say } from "./dom.js";
import { KeyRefused, OperatorApi } from "./operator_api.js";
import { overview } from "./overview.js";
import { showRequests, wireLookUp } from "./requests.js";
import { chooseTheme } from "./theme.js";

const EVERY_MS = 5000;

let api = null;
const showOverview = overview();
const readCache = wireCache(() => api);

function forget(words) {
  api = null;
  [$("entrance").hidden, $("board").hidden] = [false, true];
  say($("key-problem"), words);
  markInvalid($("key"), Boolean(words));
  $("key").value = "";
  $("key").focus();
}

async function update() {
  const asked = api;
  try {
    const report = await asked.get(`/operator/overview?range=${$("range").value || "5m"}`);
    if (asked === api) showOverview(report);
  } catch (error) {
    if (asked !== api) return;
    if (error instanceof KeyRefused) {
      forget(error.message);
      return;
    }
    showOverview({ problem: error.message });
  }
  try {
    const requests = await asked.get("/operator/requests");
    if (asked === api) showRequests(requests);
    say($("requests-problem"), "");
  } catch (error) {
    say($("requests-problem"), error.message);
  }
}

async function signIn(event) {
  event.preventDefault();
  const key = $("key").value.trim();
  if (!key) {
    forget("Enter the administrator's key.");
    return;
  }
  const asked = new OperatorApi(key);
  try {
    const report = await asked.get("/operator/overview");
    api = asked;
    say($("key-problem"), "");
    markInvalid($("key"), false);
    [$("entrance").hidden, $("board").hidden] = [true, false];
    showOverview(report);
    $("main").focus();
    await update();
    await readCache();
  } catch (error) {
    forget(error.message);
  }
}

async function watch() {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    if (api && !document.hidden) await update();
  }
}

chooseTheme($("theme"));
wireLookUp(() => api);
$("sign-in").addEventListener("submit", signIn);
$("sign-out").addEventListener("click", () => forget(""));
$("range").addEventListener("change", () => api && update());
watch();

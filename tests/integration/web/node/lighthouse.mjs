// Audits a page in a running browser: node lighthouse.mjs DEBUGGING_PORT URL; prints scores and what lacks as JSON.

import lighthouse from "lighthouse";

const [port, url] = process.argv.slice(2);
const onlyCategories = ["accessibility", "best-practices", "seo", "performance"];
const result = await lighthouse(url, { port: Number(port), onlyCategories, logLevel: "error" });
const { categories, audits, runtimeError } = result.lhr;
const scores = Object.fromEntries(Object.values(categories).map(({ id, score }) => [id, score === null ? null : Math.round(score * 100)]));
const weighty = Object.values(categories).flatMap(({ id, auditRefs }) => (id === "performance" ? [] : auditRefs.filter(({ weight }) => weight)));
const lacking = weighty.map(({ id }) => audits[id]).filter(({ score }) => score !== null && score < 1);
console.log(JSON.stringify({
  scores,
  lacking: lacking.map(({ id, title, details }) => `${id}: ${title} ${JSON.stringify(details?.items ?? []).slice(0, 500)}`),
  error: runtimeError?.message ?? "",
}));

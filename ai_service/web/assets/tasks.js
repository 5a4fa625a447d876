// The three tasks: how a form becomes a request, and an answer becomes something to read.

import { h } from "./dom.js";

const text = (form, name) => form.elements[name].value.trim();
const items = (form, name) => text(form, name).split(/[\n,]/).map((item) => item.trim()).filter(Boolean);

function optional(body, name, value) {
  if (value !== "" && !(Array.isArray(value) && value.length === 0)) body[name] = value;
}

function number(value) {
  // What is not a whole number goes as it is: the service says what is wrong with it.
  return /^\d+$/.test(value) ? Number(value) : value;
}

function recipeBody(form) {
  const body = { prompt: text(form, "prompt") };
  for (const name of ["serving_size", "cooking_time", "max_calories"]) optional(body, name, number(text(form, name)));
  for (const name of ["cuisine", "skill_level"]) optional(body, name, text(form, name));
  for (const name of ["dietary", "equipment", "avoid_ingredients"]) optional(body, name, items(form, name));
  return body;
}

const amount = ({ name, amount: much, unit }) => [much, unit, name].filter((part) => part !== "").join(" ");

const list = (tag, entries) => h(tag, {}, ...entries.map((entry) => h("li", {}, String(entry))));

const NUTRIENTS = [
  ["calories", "kcal"], ["protein", "g"], ["carbs", "g"], ["fat", "g"], ["fiber", "g"], ["sugar", "g"], ["sodium", "mg"],
];

function nutrientTable(data) {
  const rows = NUTRIENTS.filter(([name]) => name in data).map(([name, unit]) =>
    h("tr", {}, h("th", { scope: "row" }, name), h("td", { class: "number" }, `${data[name]} ${unit}`)),
  );
  return h("table", {}, h("tbody", {}, ...rows));
}

function recipeNodes(data) {
  const { title, description, ingredients, instructions, nutrition, tags } = data; // Some are still being written.
  const nodes = [];
  if (title) nodes.push(h("h3", {}, title));
  if (description) nodes.push(h("p", {}, description));
  if (ingredients?.length) nodes.push(h("h4", {}, "Ingredients"), list("ul", ingredients.map(amount)));
  if (instructions?.length) nodes.push(h("h4", {}, "Steps"), list("ol", instructions));
  if (nutrition) nodes.push(h("h4", {}, "Nutrition"), nutrientTable(nutrition));
  if (tags?.length) nodes.push(h("p", { class: "tags" }, tags.map((tag) => `#${tag}`).join(" ")));
  return nodes;
}

export const TASKS = {
  recipe: { path: "/api/v1/ai/generate-recipe", body: recipeBody, nodes: recipeNodes, main: "prompt" },
  ingredients: {
    path: "/api/v1/ai/suggest-ingredients",
    body: (form) => ({ partial: items(form, "partial") }),
    nodes: ({ suggestions }) => (suggestions?.length ? [h("h3", {}, "Suggested ingredients"), list("ul", suggestions)] : []),
    main: "partial",
  },
  nutrition: {
    path: "/api/v1/ai/analyze-nutrition",
    body: (form) => ({ ingredients: items(form, "ingredients") }),
    nodes: (data) => (Object.keys(data).length ? [h("h3", {}, "Nutrition of the whole dish"), nutrientTable(data)] : []),
    main: "ingredients",
  },
};

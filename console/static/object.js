// What every object's page does alike.

import { el } from "console/dom";
import { t } from "console/words";

export function heading(text) {
  document.getElementById("title").textContent = text;
  const end = document.getElementById("trail-end");
  if (end) end.textContent = text;
  document.title = document.title.replace(/^[^·]*/, `${text} `);
}

export function things(items, empty, content) {
  if (!items.length) return el("p", { class: "muted" }, empty);
  return el("ul", { class: "things" }, items.map((one) => el("li", {}, content(one))));
}

// A word of a closed vocabulary; one that nobody translated yet stands as it is.
export const word = (prefix, value) => {
  const key = `${prefix}_${value}`;
  const said = t(key);
  return said === key ? value : said;
};

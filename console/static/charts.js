// Charts: each under the sentence that it shows, its figures beside its bars and in a table for whoever hears the page.

import { drawn, el } from "console/dom";
import { number, percent } from "console/insight";

const WIDE = 100;
const HIGH = 48;

// `rows`: [words, count, more columns…]; the bars are shares of `whole`.
export function bars(title, columns, rows, whole) {
  const share = (count) => (whole ? count / whole : 0);
  return el("section", { class: "card whole chart" },
    el("h2", {}, title),
    el("ul", { class: "bars wide", "aria-hidden": "true" }, rows.map(([words, count, ...more]) => el("li", {},
      el("span", {}, words),
      drawn("svg", { viewBox: `0 0 ${WIDE} 8`, preserveAspectRatio: "none" },
        drawn("rect", { class: "whole", width: WIDE, height: 8, rx: 1 }),
        drawn("rect", { class: "share", width: WIDE * Math.min(1, share(count)), height: 8, rx: 1 })),
      el("strong", {}, [`${number(count)} · ${percent(share(count))}`, ...more].filter(Boolean).join(" · "))))),
    hidden(title, columns, rows.map(([words, count, ...more]) => [words, number(count), percent(share(count)), ...more])));
}

// A column for each day; what the days are stands below the first and the last.
export function daily(title, columns, rows) {
  const most = Math.max(1, ...rows.map(([, count]) => count));
  const step = WIDE / Math.max(1, rows.length);
  return el("div", { class: "daily" },
    el("h3", {}, title),
    drawn("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, preserveAspectRatio: "none", "aria-hidden": "true" },
      ...rows.map(([, count], place) => drawn("rect", { class: "share", x: place * step + step * 0.1, y: HIGH - (HIGH * count) / most, width: step * 0.8, height: (HIGH * count) / most }))),
    el("p", { class: "ends muted", "aria-hidden": "true" }, el("span", {}, rows[0]?.[0] ?? ""), el("span", {}, `max ${number(most)}`), el("span", {}, rows.at(-1)?.[0] ?? "")),
    hidden(title, columns, rows.map(([words, count]) => [words, number(count)])));
}

function hidden(title, columns, rows) {
  return el("div", { class: "visually-hidden" }, el("table", {},
    el("caption", {}, title),
    el("thead", {}, el("tr", {}, columns.map((label) => el("th", { scope: "col" }, label)))),
    el("tbody", {}, rows.map((row) => el("tr", {}, row.map((cell, place) => (place ? el("td", {}, cell ?? "") : el("th", { scope: "row" }, cell))))))));
}

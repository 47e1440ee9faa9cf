// Elements, made without markup from strings: the pages' policy allows none (Trusted Types).

export function el(tag, given = {}, ...inside) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...inside.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== false));
  return element;
}

export const link = (href, ...inside) => el("a", { href }, ...inside);

export const badge = (kind, text) => el("span", { class: `badge ${kind}` }, text);

export function facts(rows) {
  return el("dl", { class: "facts" }, rows.filter(Boolean).map(([term, ...said]) =>
    el("div", {}, el("dt", {}, term), el("dd", {}, ...said))));
}

export function card(title, ...inside) {
  return el("section", { class: "card" }, el("h2", {}, title), ...inside);
}

export function field(name, label, { type = "text", value = "", ...more } = {}) {
  return el("div", { class: "field" },
    el("label", { for: `field-${name}` }, label),
    el("input", { id: `field-${name}`, name, type, value, ...more }));
}

export function choice(name, label, options, value = "", more = {}) {
  return el("div", { class: "field" },
    el("label", { for: `field-${name}` }, label),
    el("select", { id: `field-${name}`, name, ...more }, options.map(([one, text]) => el("option", { value: one, selected: one === value }, text))));
}

// A picture, hidden from those to whom the text beside it says the same.
export function drawn(tag, given = {}, ...inside) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(given)) element.setAttribute(name, value);
  element.append(...inside);
  return element;
}

// Rows that stay as they are; a list that is filtered and asked for page by page is console/list.
export function table(name, columns, items, empty) {
  if (!items.length) return el("p", { class: "muted" }, empty);
  return el("div", { class: "list", role: "region", "aria-label": name, tabindex: "0" },
    el("table", { role: "table" },
      el("caption", { class: "visually-hidden" }, name),
      el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, columns.map(([label]) => el("th", { scope: "col", role: "columnheader" }, label)))),
      el("tbody", { role: "rowgroup" }, items.map((one) => el("tr", { role: "row" },
        columns.map(([label, content]) => el("td", { role: "cell", "data-label": label }, el("div", {}, content(one)))))))));
}

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
  element.append(...inside.flat().filter((one) => one !== null && one !== undefined && one !== false));
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

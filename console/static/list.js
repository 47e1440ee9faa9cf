// A list: filtered by the address, so that it can be sent to a colleague; fresh by itself, until it is paused.

import { ask, refusal } from "console/api";
import { el } from "console/dom";
import { moment, t } from "console/words";

const PAGE = 50;
const MOST = 200;
const EVERY = 5_000;
const PAUSE = 300;

// `columns`: [label, item => content]; `filters`: [name, label, options or null]; `key`: item => what stays the same of it.
export function list(root, { name, load, columns, filters = [], key, live = false, empty = t("nothing") }) {
  const at = new URL(location.href);
  const given = () => Object.fromEntries(filters.map(([filter]) => [filter, at.searchParams.get(filter) ?? ""]));
  const rows = el("tbody", { role: "rowgroup" });
  const table = el("table", { role: "table" },
    el("caption", { class: "visually-hidden" }, name),
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, columns.map(([label]) => el("th", { scope: "col", role: "columnheader" }, label)))),
    rows);
  const scroll = el("div", { class: "list", role: "region", "aria-label": name, tabindex: "0" }, table);
  const nothing = el("p", { class: "empty", hidden: true }, empty);
  const wrong = el("div", {});
  const more = el("button", { type: "button", class: "more", hidden: true, onclick: () => { wanted += PAGE; refresh(); } }, t("more"));
  const state = el("p", { class: "muted state", role: "status" });
  const pause = live && el("button", { type: "button", "aria-pressed": "false", onclick: toggle }, t("pause"));
  const tools = el("form", { class: "tools", role: "search", "aria-label": t("filter", { name }), onsubmit: (event) => event.preventDefault() },
    filters.map(filterField), pause, state);
  let wanted = PAGE;
  let kept = new Map();
  let paused = false;
  let asking = 0;
  let typing;

  function filterField([filter, label, options]) {
    const id = `filter-${filter}`;
    const input = options
      ? el("select", { id, name: filter, onchange: changed }, options.map(([value, text]) => el("option", { value, selected: value === given()[filter] }, text)))
      : el("input", { id, name: filter, type: "search", value: given()[filter], autocomplete: "off", oninput: () => { clearTimeout(typing); typing = setTimeout(changed, PAUSE); } });
    return el("div", { class: "field" }, el("label", { for: id }, label), input);
  }

  function changed() {
    for (const [filter] of filters) {
      const value = tools.elements[filter].value.trim();
      if (value) at.searchParams.set(filter, value);
      else at.searchParams.delete(filter);
    }
    history.replaceState(null, "", at);
    wanted = PAGE;
    refresh();
  }

  function toggle() {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    pause.textContent = t(paused ? "resume" : "pause");
    if (!paused) refresh();
  }

  // Rows that say the same stay as they are: whoever is in one with the keyboard is not thrown out.
  function show(items) {
    const fresh = new Map();
    for (const item of items) {
      const said = JSON.stringify(item);
      const before = kept.get(key(item));
      const row = before?.said === said ? before.row : el("tr", { role: "row" },
        columns.map(([label, content]) => el("td", { role: "cell", "data-label": label }, el("div", {}, content(item)))));
      fresh.set(key(item), { said, row });
    }
    const wantedRows = [...fresh.values()].map(({ row }) => row);
    if (wantedRows.length !== rows.children.length || wantedRows.some((row, index) => rows.children[index] !== row)) {
      const held = rows.contains(document.activeElement) ? document.activeElement : null;
      const [holder] = [...kept].find(([, { row }]) => row.contains(held)) ?? [];
      const place = held && reachable(held.closest("tr")).indexOf(held);
      rows.replaceChildren(...wantedRows);
      if (held && document.activeElement !== held) (reachable(fresh.get(holder)?.row)[place] ?? scroll).focus();
    }
    kept = fresh;
  }

  const reachable = (row) => [...row?.querySelectorAll("a, button") ?? []];

  async function refresh() {
    const mine = ++asking;
    scroll.setAttribute("aria-busy", "true");
    try {
      const items = [];
      let next = null;
      do {
        const page = await load({ ...given(), after: next, limit: Math.min(wanted - items.length, MOST) });
        items.push(...page.items);
        next = page.next;
      } while (next !== null && items.length < wanted);
      if (mine !== asking) return;
      show(items);
      wrong.replaceChildren();
      nothing.hidden = items.length > 0;
      table.hidden = items.length === 0;
      more.hidden = next === null;
      const text = t(next === null ? "count" : "count_more", { count: items.length });
      if (state.textContent !== text) state.textContent = text;
      state.title = moment(new Date().toISOString());
    } catch (error) {
      if (mine === asking) wrong.replaceChildren(refusal(error));
    } finally {
      if (mine === asking) scroll.removeAttribute("aria-busy");
    }
  }

  root.append(tools, wrong, scroll, more);
  scroll.append(nothing);
  if (live) setInterval(() => { if (!paused && !document.hidden) refresh(); }, EVERY);
  refresh();
  return { refresh, region: scroll };
}

// The rules of a draft as lines, one piece at a time, with what is wrong beside them.

import { refuses } from "console/check";
import { el } from "console/dom";
import { t } from "console/words";

export function ruleText(root, draft) {
  let shown = 0;
  const gutter = el("div", { class: "gutter", "aria-hidden": "true" });
  const area = el("textarea", { class: "lines", wrap: "off", spellcheck: "false", autocapitalize: "off", "aria-labelledby": "lines-title", "aria-describedby": "check-state", oninput: () => { draft.rules.put(shown, area.value); number(); draft.changed(); } });
  const where = el("p", { class: "muted state", role: "status" });
  const before = el("button", { type: "button", onclick: () => turn(shown - 1) }, t("lines_before"));
  const after = el("button", { type: "button", onclick: () => turn(shown + 1) }, t("lines_after"));
  const wanted = el("input", { id: "go-to-line", type: "number", min: "1", inputmode: "numeric" });
  const going = el("form", { class: "tools", novalidate: true, onsubmit: (event) => { event.preventDefault(); if (wanted.value) go(Number(wanted.value)); } },
    before, after,
    el("div", { class: "field" }, el("label", { for: "go-to-line" }, t("go_to_line")), wanted),
    el("button", {}, t("go")), where);

  // A number for each line, and a sign where something was found in it; the list of findings says the same in words.
  function number() {
    const start = draft.rules.start(shown);
    const lines = area.value.split("\n").length;
    const signs = new Map();
    for (const one of draft.findings) {
      if (one.line && !signs.get(one.line)) signs.set(one.line, refuses(one));
    }
    gutter.replaceChildren(...Array.from({ length: lines }, (_, index) => {
      const line = start + index + 1;
      const sign = signs.get(line);
      return el("span", { class: sign === undefined ? null : sign ? "wrong" : "warned" }, sign === undefined ? String(line) : `${sign ? "✕" : "!"} ${line}`);
    }));
    area.rows = lines;
    area.setAttribute("aria-invalid", String([...signs].some(([line, sign]) => sign && line > start && line <= start + lines)));
    where.textContent = t("lines_shown", { from: start + 1, to: start + lines, of: draft.rules.lines });
  }

  function refresh() {
    shown = Math.min(shown, draft.rules.count - 1);
    const text = draft.rules.piece(shown);
    if (area.value !== text) area.value = text;
    going.hidden = draft.rules.count === 1;
    before.disabled = shown === 0;
    after.disabled = shown === draft.rules.count - 1;
    wanted.max = String(draft.rules.lines);
    number();
  }

  function turn(to) {
    shown = to;
    refresh();
    area.focus();
    area.setSelectionRange(0, 0);
  }

  // To a line, counted from 1.
  function go(line) {
    const place = draft.rules.find(Math.min(Math.max(line, 1), draft.rules.lines) - 1);
    turn(place.index);
    const lines = area.value.split("\n");
    const from = lines.slice(0, place.line).reduce((sum, one) => sum + one.length + 1, 0);
    area.setSelectionRange(from, from + (lines[place.line] ?? "").length);
    gutter.children[place.line]?.scrollIntoView({ block: "center" });
  }

  root.append(
    el("h3", { id: "lines-title" }, t("rules_as_text")),
    el("p", { class: "hint" }, el("code", {}, t("line_form"))),
    going,
    el("div", { class: "code" }, gutter, area));
  refresh();
  return { refresh, number, go };
}

// The rules of a draft as a table, and the form of one rule.

import { refuses } from "console/check";
import { badge, choice, el, field } from "console/dom";
import { RULE_EFFECTS } from "console/explanation";
import { formDialog } from "console/form_dialog";
import { FIELDS, lineOf } from "console/lines";
import { list } from "console/list";
import { word } from "console/object";
import { t } from "console/words";

const EMPTY = { priority: "500", id: "", role: "*", organisation: "*", zone: "*", path: "/**", methods: "GET|HEAD", condition: "", effect: "allow", obligations: "" };

export const faultsOf = (draft, id) => draft.findings.filter((one) => one.rule === id);

export function ruleTable(root, draft) {
  const said = (one) => FIELDS.some((name) => one[name].toLowerCase().includes(wanted));
  let wanted = "";

  async function load({ rule: text, after, limit }) {
    wanted = text.toLowerCase();
    const found = draft.rules.rules.filter(said);
    const from = after ?? 0;
    const items = found.slice(from, from + limit).map((one) => ({ ...one, faults: faultsOf(draft, one.id) }));
    return { items, next: from + limit < found.length ? from + limit : null };
  }

  const shown = list(root, {
    name: t("rules"),
    load,
    key: (one) => `${one.index} ${one.line}`,
    filters: [["rule", t("search_rules")]],
    columns: [
      [t("rule"), (one) => [el("code", {}, one.id), el("small", {}, t("priority_is", { priority: one.priority })), ...marks(one.faults)]],
      [t("role"), (one) => [one.role, one.organisation === "*" ? "" : el("small", {}, one.organisation)]],
      [t("request"), (one) => [
        el("code", {}, `${one.methods} ${one.path}`), el("small", {}, one.zone === "*" ? t("every_zone") : one.zone),
        one.condition ? el("small", {}, `${t("condition")}: `, el("code", {}, one.condition)) : ""]],
      [t("effect"), (one) => [badge(RULE_EFFECTS[one.effect] ?? "information", word("effect", one.effect)), one.obligations ? el("small", {}, one.obligations) : ""]],
      [t("acts"), (one) => el("div", { class: "acts" },
        el("button", { type: "button", "aria-label": t("edit_named", { name: one.id }), onclick: () => open(one) }, t("edit")),
        el("button", { type: "button", class: "danger", "aria-label": t("remove_named", { name: one.id }), onclick: () => { draft.rules.replace(one); draft.changed(); shown.region.focus(); shown.refresh(); } }, t("remove")))],
    ],
  });

  function open(one) {
    const before = { ...one };
    const place = one.index === undefined ? draft.rules.add(lineOf(one)) : one;
    const added = one.index === undefined;
    const current = () => dialog.querySelector("#field-id").value.trim();
    const faults = el("div", { "aria-live": "polite", class: "faults" });
    const tell = () => {
      const found = faultsOf(draft, current());
      faults.replaceChildren(...found.map(({ message, severity }) => el("p", { class: severity === "warning" ? "warned" : "wrong" }, message)));
    };
    const put = (values) => { draft.rules.replace(place, ...values); draft.changed(); };
    const dialog = formDialog({
      title: t(added ? "add_rule" : "edit_rule"),
      fields: ruleFields(one, draft),
      beside: faults,
      typed: (form) => put([lineOf(Object.fromEntries(FIELDS.map((name) => [name, form.elements[name].value.trim()])))]),
      undo: () => put(added ? [] : [lineOf(before)]),
      focus: () => [...shown.region.querySelectorAll("button")].find((button) => button.getAttribute("aria-label") === t("edit_named", { name: current() })) ?? shown.region,
    });
    draft.addEventListener("checked", tell);
    dialog.addEventListener("close", () => { draft.removeEventListener("checked", tell); shown.refresh(); });
    tell();
  }

  return { refresh: shown.refresh, add: () => open({ ...EMPTY, id: fresh(draft) }) };
}

const marks = (faults) => faults.map((one) => el("small", { class: refuses(one) ? "wrong" : "warned" }, one.message));

// An id that no rule has yet.
function fresh(draft) {
  const taken = new Set(draft.rules.rules.map(({ id }) => id));
  let number = 1;
  while (taken.has(`rule.${number}`)) number += 1;
  return `rule.${number}`;
}

function ruleFields(one, draft) {
  const words = { autocomplete: "off", spellcheck: "false", maxlength: "1000" };
  const known = (name, values) => el("datalist", { id: `known-${name}` }, values.map((value) => el("option", { value })));
  const { roles = [], zones = [] } = draft.document;
  return [
    known("roles", ["*", ...roles]), known("zones", ["*", ...zones.map(({ name }) => name)]),
    el("div", { class: "fields" },
      field("id", t("id"), { ...words, value: one.id, required: true, maxlength: "128" }),
      field("priority", t("priority"), { type: "number", min: "0", max: "1000000", required: true, value: one.priority }),
      choice("effect", t("effect"), ["allow", "deny", "reduce"].map((value) => [value, t(`effect_${value}`)]), one.effect),
      field("role", t("role"), { ...words, value: one.role, required: true, list: "known-roles" }),
      field("organisation", t("organisation"), { ...words, value: one.organisation, required: true }),
      field("zone", t("zone"), { ...words, value: one.zone, required: true, list: "known-zones" }),
      field("path", t("path"), { ...words, value: one.path, required: true }),
      field("methods", t("methods"), { ...words, value: one.methods, required: true, placeholder: "GET|HEAD" })),
    field("condition", t("condition"), { ...words, value: one.condition, placeholder: "assurance >= 2 and risk <= 40" }),
    field("obligations", t("obligations"), { ...words, value: one.obligations, placeholder: "read_only|mask:phone" }),
  ];
}


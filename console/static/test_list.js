// The tests that travel with a policy: made-up requests and what must come of them, with what does come.

import { badge, choice, el, field } from "console/dom";
import { effect, EFFECTS } from "console/explanation";
import { formDialog } from "console/form_dialog";
import { things, word } from "console/object";
import { requestFields, requestOf } from "console/request_form";
import { t } from "console/words";

export function result(one) {
  return [
    badge(one.passed ? "success" : "danger", t(one.passed ? "test_passed" : "test_failed")), " ", one.name,
    one.passed ? "" : el("small", {}, t("test_got", { expected: word("effect", one.expected), got: word("effect", one.got), rule: one.winner || t("no_rule_decided") })),
  ];
}

export function testList(root, draft) {
  const region = el("div", { tabindex: "-1", "aria-label": t("tests"), role: "group" });
  const put = (tests) => { draft.tests = tests; draft.changed(); };

  function row(test, index) {
    const found = draft.results?.results.find(({ name }) => name === test.name);
    return [
      found ? result(found) : [effect(test.effect), " ", test.name],
      el("small", {}, el("code", {}, `${test.request.method} ${test.request.path}`), ` · ${test.request.zone} · ${(test.request.subject?.roles ?? []).join(", ") || t("nobody_signed_in")}`),
      el("div", { class: "acts" },
        el("button", { type: "button", "aria-label": t("edit_named", { name: test.name }), onclick: () => open(index) }, t("edit")),
        el("button", { type: "button", class: "danger", "aria-label": t("remove_named", { name: test.name }), onclick: () => { put(draft.tests.filter((_, other) => other !== index)); region.focus(); } }, t("remove"))),
    ];
  }

  function open(index) {
    const before = draft.tests;
    const { name = "", effect: wanted = "allow", winner = "", request: given, ...more } = before[index] ?? {};
    const zones = (draft.document.zones ?? []).map((zone) => zone.name);
    formDialog({
      title: t(before[index] ? "edit_test" : "add_test"),
      fields: [
        field("name", t("test_name"), { value: name, required: true, maxlength: "200", autocomplete: "off" }),
        el("div", { class: "fields" },
          choice("effect", t("test_expects"), Object.keys(EFFECTS).map((one) => [one, t(`effect_${one}`)]), wanted),
          field("winner", t("test_winner"), { value: winner ?? "", maxlength: "128", autocomplete: "off", spellcheck: "false" })),
        requestFields({ zones, given }),
      ],
      typed: (form) => {
        const value = (one) => form.elements[one].value.trim();
        const test = { ...more, name: value("name"), effect: value("effect"), request: requestOf(form, given), ...(value("winner") ? { winner: value("winner") } : {}) };
        put(before[index] ? before.map((one, other) => (other === index ? test : one)) : [...before, test]);
      },
      undo: () => put(before),
      focus: () => region,
    });
  }

  function refresh() {
    region.replaceChildren(things(draft.tests.map((test, index) => ({ test, index })), t("no_tests"), ({ test, index }) => row(test, index)));
  }

  root.append(region, el("div", { class: "acts" }, el("button", { type: "button", onclick: () => open(draft.tests.length) }, t("add_test"))));
  refresh();
  return { refresh };
}

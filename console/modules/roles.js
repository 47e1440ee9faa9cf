// Who holds which role, as published or in a draft; in a draft roles are given and taken.

import { act } from "console/act";
import { card, choice, el, field, link } from "console/dom";
import { draftOf } from "console/drafts";
import { list } from "console/list";
import { assign, assignments, current, takeRole, versions } from "console/policy";
import { who } from "console/who";
import { t } from "console/words";

const MOST = 50;
const ANY = "*";
const root = document.getElementById("view");
const at = new URL(location.href);
const draft = at.searchParams.get("draft") ?? "";
const drafts = (await versions({ limit: MOST }).catch(() => ({ items: [] }))).items.filter(({ state }) => state === "draft");

const where = choice("draft", t("shown_version"), [["", t("by_published")], ...drafts.map(({ number, why }) => [String(number), `${t("draft_number", { number })} · ${why}`])], draft);
where.querySelector("select").addEventListener("change", ({ target }) => {
  if (target.value) at.searchParams.set("draft", target.value);
  else at.searchParams.delete("draft");
  location.assign(at);
});

const begin = act({
  label: t("new_draft"),
  dangerous: false,
  happens: () => t("new_draft_happens"),
  done: () => t("new_draft_done"),
  run: async (why) => { at.searchParams.set("draft", await draftOf(await current(), why)); location.assign(at); },
});

const form = el("form", { id: "assignment", novalidate: true, onsubmit: (event) => { event.preventDefault(); giving.click(); } },
  el("p", { class: "hint" }, t("assign_hint")),
  el("div", { class: "fields" },
    field("subject", t("subject"), { required: true, maxlength: "128", autocomplete: "off", spellcheck: "false" }),
    field("role", t("role"), { required: true, maxlength: "128", autocomplete: "off", spellcheck: "false" }),
    field("organisation", t("organisation"), { value: ANY, required: true, maxlength: "128", autocomplete: "off", spellcheck: "false" })));
const given = (name) => form.elements[name].value.trim();
const giving = act({
  label: t("assign"),
  dangerous: false,
  ready: () => form.reportValidity(),
  happens: () => t("assign_happens", { subject: given("subject"), role: given("role"), number: draft }),
  done: () => t("assign_done"),
  run: async (why) => {
    await saving(assign(draft, etag, { subject: given("subject"), role: given("role"), organisation: given("organisation") }, why));
    form.reset();
  },
});
form.append(el("div", { class: "acts" }, giving));

root.append(
  el("form", { class: "tools", onsubmit: (event) => event.preventDefault() }, where),
  draft
    ? card(t("assign"), form, el("p", {}, link(`/policy/${draft}`, t("to_the_release"))))
    : el("div", { class: "acts above" }, el("p", { class: "muted" }, t("assign_in_a_draft")), begin));

// the draft as it was seen: whoever saves it meanwhile is not overwritten
let etag = null;
const shown = list(root, {
  name: t("assignments"),
  load: async (query) => {
    const found = await assignments(draft, query);
    etag ??= found.etag;
    return found;
  },
  key: (one) => one.id,
  empty: t("no_assignments"),
  filters: [["subject", t("subject")], ["role", t("role")], ["organisation", t("organisation")]],
  columns: [
    [t("subject"), (one) => who(one.subject)],
    [t("role"), (one) => one.role],
    [t("organisation"), (one) => ((one.organisation ?? ANY) === ANY ? t("every_organisation") : one.organisation)],
    ...(draft ? [[t("acts"), (one) => act({
      label: t("take_away"),
      about: `${one.role} · ${one.subject}`,
      happens: () => t("take_away_happens", { subject: one.subject, role: one.role, number: draft }),
      done: () => t("take_away_done"),
      run: async (why) => { await saving(takeRole(draft, etag, one, why)); },
    })]] : []),
  ],
});

// Refused, too, it is seen as it is now, so that whoever still means it can ask again.
async function saving(doing) {
  try {
    await doing;
  } finally {
    etag = null;
    await shown.refresh();
  }
}

// Programmes that lead people from passwords to MFA and passwordless: the list, and a new one from the template.

import { act } from "console/act";
import { badge, card, choice, el, field, link } from "console/dom";
import { organisations } from "console/identity";
import { list } from "console/list";
import { makeProgramme, programmes } from "console/programming";
import { locale, moment, t } from "console/words";

const root = document.getElementById("view");
const whose = Object.fromEntries((await organisations().catch(() => ({ items: [] }))).items.map(({ id, name }) => [id, name]));
const soon = new Date(Date.now() + 7 * 86_400_000).toISOString().slice(0, 10);

const form = el("form", { id: "programme", novalidate: true, onsubmit: (event) => { event.preventDefault(); make.click(); } },
  el("p", { class: "hint" }, t("programme_hint")),
  el("div", { class: "fields" },
    choice("organisation_id", t("organisation"), Object.entries(whose)),
    field("start", t("programme_start"), { type: "date", value: soon, required: true })),
  el("p", { class: "choice" }, el("input", { type: "checkbox", id: "go-on", name: "go_on" }), el("label", { for: "go-on" }, t("programme_go_on"))));
const make = act({
  label: t("make_programme"),
  dangerous: false,
  ready: () => form.reportValidity(),
  happens: () => t(form.elements.go_on.checked ? "make_programme_goes_on" : "make_programme_happens", { name: whose[form.elements.organisation_id.value] }),
  done: () => t("make_programme_done"),
  run: async (why) => {
    await makeProgramme({
      why, locale,
      organisation_id: form.elements.organisation_id.value,
      start: new Date(`${form.elements.start.value}T00:00:00`).toISOString(),
      go_on: form.elements.go_on.checked,
    });
    await shown.refresh();
  },
});
form.append(el("div", { class: "acts" }, make));
root.append(card(t("make_programme"), form));

const shown = list(root, {
  name: t("programmes"),
  load: (query) => programmes(query),
  key: (one) => one.id,
  empty: t("no_programmes"),
  columns: [
    [t("programme"), (one) => [link(`/programmes/${one.id}`, one.name)]],
    [t("organisation"), (one) => whose[one.organisation_id] ?? t("unknown")],
    [t("state"), (one) => badge(one.started_at ? "success" : "information", t(one.started_at ? "goes_on_by_dates" : "goes_on_by_hand"))],
    [t("created"), (one) => el("time", { datetime: one.created_at }, moment(one.created_at))],
  ],
});

// Roles for a while: who asks for one and waits, what was decided, and asking oneself.

import { act } from "console/act";
import { badge, card, choice, el, field, link } from "console/dom";
import { ELEVATIONS, elevationActs, minutes, span } from "console/elevating";
import { list } from "console/list";
import { word } from "console/object";
import { askElevation, askable, elevations } from "console/policy";
import { who } from "console/who";
import { ago, moment, t } from "console/words";

const root = document.getElementById("view");
const MINUTES = 60;

const columns = [
  [t("role"), (one) => [link(`/elevations/${one.id}`, one.role), el("small", {}, span(one))]],
  [t("person"), (one) => who(one.sub)],
  [t("reason"), (one) => one.reason],
  [t("state"), (one) => badge(ELEVATIONS[one.state] ?? "information", word("elevation", one.state))],
  [t("asked_at"), (one) => el("time", { datetime: one.asked_at, title: moment(one.asked_at) }, ago(one.asked_at))],
  [t("decided_by"), (one) => [who(one.decided_by), one.decided_why ? el("small", {}, one.decided_why) : ""]],
  [t("acts"), (one) => elevationActs(one, refresh)],
];

const roles = await askable().catch(() => []);
const form = el("form", { id: "elevation", novalidate: true, onsubmit: (event) => { event.preventDefault(); asking.click(); } },
  el("p", { class: "hint" }, t("elevation_hint")),
  el("div", { class: "fields" },
    choice("role", t("role"), roles.map(({ role, longest }) => [role, `${role} · ${minutes(longest)}`])),
    field("minutes", t("minutes"), { type: "number", min: "1", max: "1440", value: "30", required: true })));
const asking = act({
  label: t("ask_elevation"),
  dangerous: false,
  ready: () => form.reportValidity(),
  happens: () => t("ask_elevation_happens", { role: form.elements.role.value, minutes: form.elements.minutes.value }),
  done: () => t("ask_elevation_done"),
  run: async (reason) => {
    await askElevation({ role: form.elements.role.value.trim(), seconds: Number(form.elements.minutes.value) * MINUTES, reason });
    form.reset();
    await refresh();
  },
});
form.append(el("div", { class: "acts" }, asking));

const waiting = el("section", {}, el("h2", {}, t("elevations_waiting")));
const all = el("section", {}, el("h2", {}, t("elevations_all")));
root.append(waiting, card(t("ask_elevation"), roles.length ? form : el("p", { class: "muted" }, t("nothing_to_ask"))), all);

const lists = [
  list(waiting, { name: t("elevations_waiting"), live: true, key: (one) => one.id, empty: t("no_waiting"), columns,
    load: (query) => elevations({ ...query, state: "asked" }) }),
  list(all, { name: t("elevations_all"), key: (one) => one.id, columns, load: elevations,
    filters: [["state", t("state"), [["", t("all")], ...Object.keys(ELEVATIONS).map((state) => [state, t(`elevation_${state}`)])]]] }),
];

async function refresh() {
  await Promise.all(lists.map((one) => one.refresh()));
}

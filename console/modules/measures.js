// Measures that stand beside the policy for a while: who is shrunk, denied or asked for more, since when, why, until when.

import { act } from "console/act";
import { badge, card, choice, el, field, link } from "console/dom";
import { list } from "console/list";
import { EFFECTS, KINDS, STATES, lift, standing, target } from "console/measuring";
import { word } from "console/object";
import { measures, takeMeasure } from "console/policy";
import { who } from "console/who";
import { ago, moment, t } from "console/words";

const root = document.getElementById("view");
const MINUTE = 60_000;

const form = el("form", { id: "measure", novalidate: true, onsubmit: (event) => { event.preventDefault(); taking.click(); } },
  el("p", { class: "hint" }, t("measure_hint")),
  el("div", { class: "fields" },
    choice("kind", t("measure_kind"), KINDS.map((kind) => [kind, t(`measured_${kind}`)])),
    field("value", t("measure_value"), { required: true, maxlength: "128", autocomplete: "off", spellcheck: "false" }),
    choice("effect", t("measure_effect"), EFFECTS.map((effect) => [effect, t(`measure_${effect}`)])),
    field("minutes", t("minutes"), { type: "number", min: "1", max: "43200", value: "60", required: true })));
const given = (name) => form.elements[name].value.trim();
const taking = act({
  label: t("take_measure"),
  ready: () => form.reportValidity(),
  happens: () => t("take_measure_happens", { target: `${word("measured", given("kind"))} ${given("value")}`, effect: word("measure", given("effect")), minutes: given("minutes") }),
  done: () => t("take_measure_done"),
  run: async (why) => {
    await takeMeasure({
      target: { kind: given("kind"), value: given("value") },
      effect: given("effect"),
      until: new Date(Date.now() + Number(given("minutes")) * MINUTE).toISOString(),
      why,
    });
    form.reset();
    await shown.refresh();
  },
});
form.append(el("div", { class: "acts" }, taking));
root.append(card(t("take_measure"), form));

const shown = list(root, {
  name: t("measures"),
  load: ({ state, ...query }) => measures({ state: state === "all" ? "" : state || "standing", ...query }),
  live: true,
  key: (one) => one.id,
  empty: t("no_measures"),
  filters: [["state", t("state"), [["", t("measures_standing")], ["lifted", t("measures_lifted")], ["over", t("measures_over")], ["all", t("all")]]]],
  columns: [
    [t("measure_kind"), (one) => [link(`/measures/${one.id}`, target(one))]],
    [t("measure_effect"), (one) => word("measure", one.effect)],
    [t("reason"), (one) => one.why],
    [t("by"), (one) => who(one.by)],
    [t("at"), (one) => el("time", { datetime: one.at, title: moment(one.at) }, ago(one.at))],
    [t("until"), (one) => el("time", { datetime: one.until, title: moment(one.until) }, ago(one.until))],
    [t("state"), (one) => badge(STATES[standing(one)], t(`measures_${standing(one)}`))],
    [t("acts"), (one) => lift(one, () => shown.refresh())],
  ],
});

// Measures that stand beside the policy for a while: who is shrunk, denied or asked for more, since when, why, until when.

import { act } from "console/act";
import { badge, card, choice, el, field, link } from "console/dom";
import { list } from "console/list";
import { EFFECTS, KINDS, STATES, effect, lift, standing, target } from "console/measuring";
import { word } from "console/object";
import { measures, takeMeasure } from "console/policy";
import { who } from "console/who";
import { ago, moment, t } from "console/words";

const root = document.getElementById("view");
const MINUTE = 60;

const form = el("form", { id: "measure", novalidate: true, onsubmit: (event) => { event.preventDefault(); taking.click(); } },
  el("p", { class: "hint" }, t("measure_hint")),
  el("div", { class: "fields" },
    choice("kind", t("measure_kind"), KINDS.map((kind) => [kind, t(`measured_${kind}`)])),
    field("value", t("measure_value"), { required: true, maxlength: "128", autocomplete: "off", spellcheck: "false" }),
    choice("effect", t("measure_effect"), EFFECTS.map((one) => [one, t(`measure_${one}`)])),
    field("points", t("measure_points"), { type: "number", min: "1", max: "100", value: "30" }),
    field("minutes", t("minutes"), { type: "number", min: "1", max: "43200", value: "60", required: true })));
// only one of the effects has so many points
const points = form.elements.points.closest(".field");
const shape = () => { points.hidden = form.elements.effect.value !== "risk"; form.elements.points.required = !points.hidden; };
form.addEventListener("change", shape);
form.addEventListener("reset", () => setTimeout(shape));
shape();
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
      seconds: Number(given("minutes")) * MINUTE,
      ...(given("effect") === "risk" ? { points: Number(given("points")) } : {}),
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
  load: ({ state, ...query }) => measures({ ...query, state: state === "all" ? "" : state || "stands" }),
  live: true,
  key: (one) => one.id,
  empty: t("no_measures"),
  filters: [["state", t("state"), [["", t("measures_stands")], ["over", t("measures_over")], ["all", t("all")]]]],
  columns: [
    [t("measure_kind"), (one) => [link(`/measures/${one.id}`, target(one))]],
    [t("measure_effect"), effect],
    [t("reason"), (one) => one.why],
    [t("by"), (one) => who(one.by)],
    [t("at"), (one) => el("time", { datetime: one.at, title: moment(one.at) }, ago(one.at))],
    [t("until"), (one) => el("time", { datetime: one.until, title: moment(one.until) }, ago(one.until))],
    [t("state"), (one) => badge(STATES[standing(one)], t(`measures_${standing(one)}`))],
    [t("acts"), (one) => lift(one, () => shown.refresh())],
  ],
});

// What measures may be, and lifting one.

import { act } from "console/act";
import { el } from "console/dom";
import { word } from "console/object";
import { liftMeasure } from "console/policy";
import { t } from "console/words";

export const KINDS = ["person", "device", "address", "country", "organisation"];
export const EFFECTS = ["deny", "step_up", "shrink", "risk"];
export const STATES = { stands: "warning", lifted: "information", over: "information" };

export const standing = (one) => (one.lifted_at ? "lifted" : new Date(one.until) <= Date.now() ? "over" : "stands");

export const effect = (one) => [
  word("measure", one.effect), one.points ? ` +${one.points}` : "", one.obligations?.length ? el("small", {}, one.obligations.join(", ")) : "",
];

export const target = (one) => `${word("measured", one.target.kind)}: ${one.target.value}`;

export function lift(one, after) {
  if (standing(one) !== "stands") return "–";
  return el("div", { class: "acts" }, act({
    label: t("lift"),
    about: target(one),
    happens: () => t("lift_happens", { target: target(one) }),
    done: () => t("lift_done"),
    run: async (why) => { await liftMeasure(one.id, why); await after(); },
  }));
}

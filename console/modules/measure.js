// One measure: on whom, what it does, who took it and why, until when, and who lifted it.

import { refusal } from "console/api";
import { badge, card, el, facts } from "console/dom";
import { STATES, effect, lift, standing, target } from "console/measuring";
import { heading } from "console/object";
import { measure } from "console/policy";
import { who } from "console/who";
import { ago, moment, t } from "console/words";

const root = document.getElementById("view");
const time = (at) => el("time", { datetime: at, title: ago(at) }, moment(at));

async function show() {
  const one = await measure(root.dataset.named);
  heading(target(one));
  root.replaceChildren(el("div", { class: "object" },
    card(t("state"),
      facts([
        [t("state"), badge(STATES[standing(one)], t(`measures_${standing(one)}`))],
        [t("measure_kind"), target(one)],
        [t("measure_effect"), ...effect(one)],
        [t("reason"), one.why],
        [t("id"), el("code", {}, one.id)],
      ]),
      lift(one, show)),
    card(t("history"), facts([
      [t("at"), time(one.at)],
      [t("by"), who(one.by)],
      [t("until"), time(one.until)],
      one.lifted_at && [t("lifted_at"), time(one.lifted_at)],
      one.lifted_by && [t("lifted_by"), who(one.lifted_by)],
      one.lifted_why && [t("decided_why"), one.lifted_why],
    ]))));
}

try {
  await show();
} catch (error) {
  root.replaceChildren(el("div", { class: "object" }, refusal(error)));
}

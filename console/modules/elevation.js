// One wish for a role: who, for how long, why, what became of it.

import { refusal } from "console/api";
import { badge, card, el, facts } from "console/dom";
import { ELEVATIONS, elevationActs, minutes } from "console/elevating";
import { heading, word } from "console/object";
import { elevation } from "console/policy";
import { who } from "console/who";
import { ago, moment, t } from "console/words";

const root = document.getElementById("view");
const time = (at) => el("time", { datetime: at, title: ago(at) }, moment(at));

async function show() {
  const one = await elevation(root.dataset.named);
  heading(t("elevation_of", { role: one.role }));
  root.replaceChildren(el("div", { class: "object" },
    card(t("state"),
      facts([
        [t("state"), badge(ELEVATIONS[one.state] ?? "information", word("elevation", one.state))],
        [t("person"), who(one.sub)],
        [t("role"), one.role],
        [t("organisation"), one.organisation],
        [t("for_how_long"), minutes(one.seconds)],
        [t("reason"), one.reason],
        [t("id"), el("code", {}, one.id)],
      ]),
      elevationActs(one, show)),
    card(t("history"), facts([
      [t("asked_at"), time(one.asked_at)],
      one.decided_by && [t("decided_by"), who(one.decided_by)],
      one.decided_why && [t("decided_why"), one.decided_why],
      one.starts_at && [t("starts"), time(one.starts_at)],
      one.ends_at && [t("ends"), time(one.ends_at)],
      one.ended_by && [t("ended_by"), who(one.ended_by)],
      one.ended_why && [t("decided_why"), one.ended_why],
    ]))));
}

try {
  await show();
} catch (error) {
  root.replaceChildren(el("div", { class: "object" }, refusal(error)));
}

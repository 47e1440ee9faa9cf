// Why something is decided as it is: the answer, the risk with each signal's share, the rules that were considered, and
// what would have changed it.

import { badge, card, drawn, el, facts, link, table } from "console/dom";
import { things, word } from "console/object";
import { moment, t } from "console/words";

export const EFFECTS = { allow: "success", reduce: "warning", step_up: "warning", deny: "danger" };
export const RULE_EFFECTS = { allow: "success", reduce: "warning", deny: "danger" };
const PARTS = { decided: "success", reduced: "warning", condition_not_met: "information", not_reached: "information", another_role: "information" };
const HIGHEST = 100;

export const effect = (one) => badge(EFFECTS[one] ?? "information", word("effect", one));

// One bar for each signal, to the same scale; the words beside say all that it shows.
export function risk({ risk: whole, signals }) {
  return [
    el("p", {}, el("strong", {}, t("risk_of", { risk: whole }))),
    signals.length ? el("ul", { class: "bars" }, signals.map(([name, share]) => el("li", {},
      el("span", {}, word("signal", name)),
      drawn("svg", { viewBox: `0 0 ${HIGHEST} 8`, preserveAspectRatio: "none", "aria-hidden": "true" },
        drawn("rect", { class: "whole", width: HIGHEST, height: 8, rx: 1 }),
        drawn("rect", { class: "share", width: share, height: 8, rx: 1 })),
      el("strong", {}, String(share))))) : el("p", { class: "muted" }, t("no_risk")),
  ];
}

function answer({ decision }) {
  return card(t("answer"),
    facts([
      [t("answer"), effect(decision.effect)],
      [t("because"), decision.reasons.map((reason) => word("reason", reason)).join(", ")],
      [t("rule"), decision.winner ? el("code", {}, decision.winner) : t("no_rule_decided")],
      [t("version"), decision.version ? link(`/policy/${decision.version}`, t("version_number", { number: decision.version })) : "–"],
      decision.obligations.length > 0 && [t("obligations"), decision.obligations.join(", ")],
    ]));
}

const known = (value) => (value === null || value === undefined || value === "" ? t("unknown")
  : typeof value === "boolean" ? t(value ? "yes" : "no") : typeof value === "number" ? String(Math.round(value)) : String(value));

const told = (context) => (context
  ? el("section", { class: "card whole" }, el("h2", {}, t("facts")), facts(Object.entries(context).map(([name, value]) => [word("fact", name), known(value)])))
  : null);

const rules = (considered) => table(t("rules_considered"), [
  [t("rule"), (one) => [el("code", {}, one.rule), el("small", {}, t("priority_is", { priority: one.priority }))]],
  [t("part"), (one) => badge(PARTS[one.part] ?? "information", word("part", one.part))],
  [t("effect"), (one) => badge(RULE_EFFECTS[one.effect] ?? "information", word("effect", one.effect))],
  [t("role"), (one) => one.role],
  [t("condition"), (one) => (one.condition ? el("code", {}, one.condition) : "–")],
], considered, t("no_rules_considered"));

export function stepUp(one) {
  const asked = [
    one.assurance && t("step_up_assurance", { level: one.assurance }),
    one.max_age && t("step_up_max_age", { minutes: Math.round(one.max_age / 60) }),
    one.device_trust && t("step_up_device", { trust: word("trust", ["unknown", "known", "registered", "attested"][one.device_trust]) }),
  ].filter(Boolean);
  return asked.join(", ");
}

function wouldChange(one) {
  const lines = [
    ...(one.would_allow ? [t("would_allow", { what: stepUp(one.would_allow) })] : []),
    ...one.unmet.map((reason) => t("unmet", { what: word("reason", reason) })),
  ];
  return card(t("would_change"), things(lines, t("nothing_would"), (line) => line));
}

export function explained(one) {
  return [
    el("div", { class: "object" }, answer(one), card(t("risk"), risk(one.decision)), wouldChange(one), told(one.facts)),
    el("h2", {}, t("rules_considered")),
    rules(one.rules),
  ];
}

export const when = (seconds) => moment(new Date(seconds * 1000).toISOString());

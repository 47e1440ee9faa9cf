// Why something is decided as it is: the answer, the risk with each signal's share, the rules that were considered, and
// what would have changed it.

import { badge, card, drawn, el, facts, link, table } from "console/dom";
import { things, word } from "console/object";
import { who } from "console/who";
import { moment, t } from "console/words";

export const EFFECTS = { allow: "success", reduce: "warning", step_up: "warning", deny: "danger" };
export const RULE_EFFECTS = { allow: "success", reduce: "warning", deny: "danger" };
const PARTS = { decided: "success", reduced: "warning", condition_not_met: "information", not_reached: "information", another_role: "information" };
const TRUST = ["unknown", "known", "registered", "attested"];
const WHO = ["person", "circumstance", "administrator"];
const HIGHEST = 100;

export const effect = (one) => badge(EFFECTS[one] ?? "information", word("effect", one));

const known = (value) => (value === null || value === undefined || value === "" ? t("not_known")
  : typeof value === "boolean" ? t(value ? "yes" : "no") : typeof value === "number" ? String(Math.round(value)) : String(value));

// How far a device is known is told by its level, or by the level's name.
const valued = (name, value) => (name === "device" && value !== null ? word("trust", TRUST[value] ?? value) : known(value));

const fact = ({ fact: name, value, began }) => (began === null || began === undefined
  ? `${word("fact", name)}: ${valued(name, value)}` : t("fact_began", { name: word("fact", name), value: valued(name, value), began: valued(name, began) }));

// One bar for each signal, to the same scale; the words beside say all that it shows.
function risk({ decision, signals }) {
  return [
    el("p", {}, el("strong", {}, t("risk_of", { risk: decision.risk }))),
    signals.length ? el("ul", { class: "bars" }, signals.map(({ signal, share, facts: behind }) => el("li", {},
      el("span", {}, word("signal", signal)),
      drawn("svg", { viewBox: `0 0 ${HIGHEST} 8`, preserveAspectRatio: "none", "aria-hidden": "true" },
        drawn("rect", { class: "whole", width: HIGHEST, height: 8, rx: 1 }),
        drawn("rect", { class: "share", width: share, height: 8, rx: 1 })),
      el("strong", {}, String(share)),
      behind.length ? el("small", {}, behind.map(fact).join(" · ")) : ""))) : el("p", { class: "muted" }, t("no_risk")),
  ];
}

function answer({ decision, obligations }) {
  return card(t("answer"),
    facts([
      [t("answer"), effect(decision.effect)],
      [t("because"), decision.reasons.map((reason) => word("reason", reason)).join(", ")],
      [t("rule"), decision.winner ? el("code", {}, decision.winner) : t("no_rule_decided")],
      [t("version"), decision.version ? link(`/policy/${decision.version}`, t("version_number", { number: decision.version })) : "–"],
      ...obligations.map(({ obligation, rule }) => [t("obligations"), el("code", {}, obligation), rule ? ` · ${rule}` : ""]),
    ]));
}

const told = (context) => (context
  ? el("section", { class: "card whole" }, el("h2", {}, t("facts")), facts(Object.entries(context).map(([name, value]) => [word("fact", name), valued(name, value)])))
  : null);

// The comparisons for which a condition did not hold.
const failed = (part) => (!part?.matters ? [] : part.parts?.length ? part.parts.flatMap(failed) : [part]);

const rules = ({ rules: considered, rules_left_out: left }) => [
  table(t("rules_considered"), [
    [t("rule"), (one) => [el("code", {}, one.rule), el("small", {}, t("priority_is", { priority: one.priority }))]],
    [t("part"), (one) => badge(PARTS[one.part] ?? "information", word("part", one.part))],
    [t("effect"), (one) => badge(RULE_EFFECTS[one.effect] ?? "information", word("effect", one.effect))],
    [t("role"), (one) => one.role],
    [t("condition"), (one) => [
      one.condition ? el("code", {}, one.condition) : "–",
      failed(one.checked).map((part) => el("small", { class: "wrong" }, t("not_so", { text: part.text, value: known(part.value) })))]],
  ], considered, t("no_rules_considered")),
  left ? el("p", { class: "muted" }, t("and_more", { count: left })) : "",
];

function stepUp(one) {
  return [
    one.assurance && t("step_up_assurance", { level: one.assurance }),
    one.max_age && t("step_up_max_age", { minutes: Math.round(one.max_age / 60) }),
    one.device_trust && t("step_up_device", { trust: word("trust", TRUST[one.device_trust]) }),
  ].filter(Boolean).join(", ");
}

// A single change, each of which was tried by the service.
function change(one) {
  const kind = one.kind === "role" ? `role_${one.would_be ? "more" : "less"}` : one.kind;
  const name = one.kind === "demand" ? word("reason", one.name) : one.name;
  const wouldBe = one.kind === "time" && typeof one.would_be === "number" ? when(one.would_be) : known(one.would_be);
  return [t(`alters_${kind}`, { name, was: known(one.was), would_be: wouldBe }), " → ", effect(one.effect)];
}

function wouldChange(one) {
  return el("section", { class: "card whole" }, el("h2", {}, t("would_change")),
    one.would_allow ? el("p", {}, t("would_allow", { what: stepUp(one.would_allow) })) : "",
    one.demands.length ? [el("h3", {}, t("demanded")), things(one.demands, "", ({ reason, wanted, got }) =>
      t("demanded_got", { reason: word("reason", reason), wanted: wanted.map(known).join(", "), got: known(got) }))] : "",
    WHO.map((by) => [by, one.changes.filter(({ who }) => who === by)]).filter(([, found]) => found.length)
      .map(([by, found]) => [el("h3", {}, t(`altered_by_${by}`)), things(found, "", change)]),
    one.changes.length || one.would_allow ? "" : el("p", { class: "muted" }, t("nothing_would")));
}

const when = (seconds) => moment(new Date(seconds * 1000).toISOString());

// What was recorded of it, and whether its own version still says so.
const recorded = (one) => (one ? card(t("as_recorded"), facts([
  [t("at"), moment(one.at)],
  [t("answer"), effect(one.effect)],
  [t("request"), el("code", {}, `${one.method} ${one.path}`), ` · ${one.zone}`],
  [t("person"), one.sub ? who(one.sub) : t("nobody_signed_in")],
  [t("address"), one.address],
  [t("version"), link(`/policy/${one.version}`, t("version_number", { number: one.version }))],
  [t("seal"), word("seal", one.seal)],
  one.limited && [t("limited"), one.limited],
  one.reproduced !== null && [t("reproduced"), t(one.reproduced ? "yes" : "no")],
])) : null);

export function explained(one) {
  return [
    el("div", { class: "object" }, recorded(one.recorded), answer(one), card(t("risk"), risk(one)), wouldChange(one), told(one.facts)),
    el("h2", {}, t("rules_considered")),
    ...rules(one),
  ];
}

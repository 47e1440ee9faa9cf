// One version of the policy: what became of it and can be done with it now; its tests, what it changes, what it would
// have decided on live traffic and of what is recorded; its rules.

import { act } from "console/act";
import { refusal } from "console/api";
import { badge, card, el, facts, field, link, table } from "console/dom";
import { changed } from "console/change_list";
import { KINDS, draftOf } from "console/drafts";
import { RULE_EFFECTS } from "console/explanation";
import { list } from "console/list";
import { heading, things, word } from "console/object";
import { approve, difference, publish, rollBack, rules, runTests, takeApprovalBack, version, versions, withdrawDraft } from "console/policy";
import { replaying } from "console/replaying";
import { shadowing } from "console/shadowing";
import { result } from "console/test_list";
import { who } from "console/who";
import { moment, t } from "console/words";

const MOST = 100;
const TO_CONFIRM = ["zone_shut", "programs_shut_out"];
const root = document.getElementById("view");
const number = Number(root.dataset.named);
const at = new URL(location.href);
const object = el("div", { class: "object" });

// Whoever shuts a whole zone, or all programs that release policies, names them: the field is there once that is so.
const shut = field("confirm", t("shut_on_purpose"), { maxlength: "1000", autocomplete: "off", spellcheck: "false" });
shut.hidden = true;

async function release(doing, why) {
  const confirm = shut.querySelector("input").value.split(/[\s,]+/).filter(Boolean);
  try {
    await doing(number, { why, confirm });
  } catch (error) {
    if (error.faults?.some(({ fault }) => TO_CONFIRM.includes(fault))) shut.hidden = false;
    throw error;
  }
  await show();
}

function acts(one, etag) {
  if (one.state === "draft") {
    return [
      el("a", { class: "button primary", href: `/policy/${number}/edit` }, t("edit")),
      act({ label: t("publish"), happens: () => t("publish_happens", { number }), done: () => t("publish_done", { number }), beside: shut, run: (why) => release(publish, why) }),
      act({ label: t("withdraw_draft"), happens: () => t("withdraw_draft_happens", { number }), done: () => t("withdraw_draft_done", { number }), run: (why) => after(withdrawDraft(number, why, etag)) }),
    ];
  }
  return [
    one.state === "retired" ? act({ label: t("roll_back"), happens: () => t("roll_back_happens", { number }), done: () => t("roll_back_done", { number }), beside: shut, run: (why) => release(rollBack, why) }) : "",
    one.state === "published" ? el("p", { class: "muted" }, t("in_force")) : "",
    act({
      label: t("edit_as_draft"),
      dangerous: false,
      happens: () => t("edit_as_draft_happens", { number }),
      done: () => t("new_draft_done"),
      run: async (why) => location.assign(`/policy/${await draftOf((await version(number)).said, why)}/edit`),
    }),
  ];
}

const state = (one, etag) => card(t("version"),
  facts([
    [t("state"), badge(KINDS[one.state] ?? "information", t(`version_${one.state}`))],
    [t("reason"), one.why],
    [t("by"), who(one.author)],
    [t("created"), moment(one.created_at)],
    one.published_at && [t("published_at"), moment(one.published_at)],
    one.publisher && [t("published_by"), who(one.publisher)],
    one.restores && [t("version"), link(`/policy/${one.restores}`, t("restores", { number: one.restores }))],
    [t("fingerprint"), el("code", {}, one.sha256.slice(0, 16))],
  ]),
  el("div", { class: "acts" }, acts(one, etag)));

function approvals(one, { needed, approvals: given }, etag) {
  if (one.state !== "draft" && !given.length) return null;
  return card(t("approvals"),
    el("p", {}, needed ? t("approvals_said", { given: given.length, needed }) : t("approvals_not_needed")),
    things(given, t("no_approvals"), (approval) => [who(approval.who), el("small", {}, `${moment(approval.at)} · ${approval.why}`)]),
    one.state === "draft" ? el("div", { class: "acts" },
      act({ label: t("approve"), dangerous: false, happens: () => t("approve_happens", { number }), done: () => t("approve_done", { number }), run: (why) => after(approve(number, why, etag)) }),
      given.length > 0 && act({ label: t("take_approval_back"), happens: () => t("take_approval_back_happens", { number }), done: () => t("take_approval_back_done"), run: (why) => after(takeApprovalBack(number, why)) })) : "");
}

function tests() {
  const said = el("div", { "aria-live": "polite" });
  const run = el("button", { type: "button", onclick: async () => {
    run.disabled = true;
    try {
      const report = await runTests(number);
      said.replaceChildren(el("p", {}, t("tests_said", report)), things(report.results.slice(0, MOST), t("no_tests"), result));
    } catch (error) {
      said.replaceChildren(refusal(error));
    }
    run.disabled = false;
  } }, t("run_tests"));
  return card(t("tests"), said, el("div", { class: "acts" }, run));
}

// Of what is in both, only what differs.
function value(one, other) {
  if (typeof one === "string") return one;
  const differs = Object.entries(one).filter(([name, inner]) => !other || typeof other !== "object" || JSON.stringify(inner) !== JSON.stringify(other[name]));
  return differs.map(([name, inner]) => `${name}: ${typeof inner === "string" ? inner : JSON.stringify(inner)}`).join(", ");
}

// What this version changes of another: rules first, then everything else.
// what is in force is compared with what was before it, all else with what is in force
async function differing(section, state) {
  try {
    const before = state === "published" ? (await versions({ state: "retired", limit: 1 })).items[0]?.number : null;
    const against = at.searchParams.get("against") ?? before;
    const said = await difference(number, against);
    const { others, ...parts } = said;
    const found = Object.entries({ ...parts, ...others }).flatMap(([part, list]) => (Array.isArray(list) ? list.map((one) => ({ part, ...one })) : []));
    section.replaceChildren(
      el("h2", { id: "difference" }, t("difference")),
      el("p", { class: "muted" }, said.against ? t("difference_against", { number: said.against }) : t("difference_against_none")),
      table(t("difference"), [
        [t("what"), (one) => [changed(one.change), el("small", {}, word("part_of_policy", one.part))]],
        [t("name"), (one) => el("code", {}, one.id)],
        [t("before"), (one) => (one.before ? el("del", {}, value(one.before, one.after)) : "–")],
        [t("after"), (one) => (one.after ? el("ins", {}, value(one.after, one.before)) : "–")],
      ], found.slice(0, MOST), t("no_difference")),
      found.length > MOST ? el("p", { class: "muted" }, t("and_more", { count: found.length - MOST })) : "");
  } catch (error) {
    section.replaceChildren(el("h2", { id: "difference" }, t("difference")), refusal(error));
  }
}

async function after(doing) {
  await doing;
  await show();
}

async function show() {
  const { said, etag } = await version(number);
  const one = said.version;
  object.replaceChildren(...[state(one, etag), approvals(one, said.approvals, etag), tests(), await shadowing(number, one, said.shadow), replaying(number, one)].filter(Boolean));
  return one;
}

heading(t("version_number", { number }));
try {
  const shown = await show();
  const differs = el("section", {});
  const ruled = el("section", {}, el("h2", {}, t("rules")));
  root.append(object, differs, ruled);
  await differing(differs, shown.state);
  list(ruled, {
    name: t("rules"),
    load: (query) => rules(number, query),
    key: (one) => one.id,
    columns: [
      [t("rule"), (one) => [el("code", {}, one.id), el("small", {}, t("priority_is", { priority: one.priority }))]],
      [t("role"), (one) => [one.role, one.organisation && one.organisation !== "*" ? el("small", {}, one.organisation) : ""]],
      [t("request"), (one) => [el("code", {}, `${(one.methods ?? ["*"]).join("|")} ${one.path}`), el("small", {}, one.zone === "*" ? t("every_zone") : one.zone)]],
      [t("condition"), (one) => (one.condition ? el("code", {}, one.condition) : "–")],
      [t("effect"), (one) => [badge(RULE_EFFECTS[one.effect] ?? "information", word("effect", one.effect)), el("small", {}, (one.obligations ?? []).join(", "))]],
    ],
  });
  if (location.hash === "#difference") differs.scrollIntoView();
} catch (error) {
  root.append(el("div", { class: "object" }, refusal(error)));
}

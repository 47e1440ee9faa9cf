// A draft decided beside the published policy on live traffic: begun, ended, and what it would have decided otherwise.

import { act } from "console/act";
import { refusal } from "console/api";
import { el, facts, link, table } from "console/dom";
import { effect } from "console/explanation";
import { beginShadow, endShadow, shadow } from "console/policy";
import { who } from "console/who";
import { ago, t } from "console/words";

const EVERY = 5_000;

// `ever`: what the version says of the last time that it was a shadow; null: it never was.
export async function shadowing(number, { state }, ever) {
  if (state !== "draft" && ever === null) return null;
  const said = el("div", {});
  let begun = ever !== null;
  let timer;

  async function show() {
    let report = null;
    try {
      report = begun && await shadow(number);
    } catch (error) {
      said.replaceChildren(refusal(error));
      return;
    }
    const running = report?.running;
    said.replaceChildren(
      ...(report ? reported(report) : [el("p", { class: "muted" }, t("no_shadow"))]),
      el("div", { class: "acts" }, running ? act({
        label: t("end_shadow"), dangerous: false, happens: () => t("end_shadow_happens", { number }), done: () => t("end_shadow_done"), run: async (why) => { await endShadow(number, why); await show(); },
      }) : state === "draft" ? act({
        label: t("begin_shadow"), dangerous: false, happens: () => t("begin_shadow_happens", { number }), done: () => t("begin_shadow_done"), run: async (why) => { await beginShadow(number, why); begun = true; await show(); },
      }) : ""));
    clearTimeout(timer);
    if (running) timer = setTimeout(() => (said.isConnected && !document.hidden && !document.querySelector("dialog[open]") && !said.contains(document.activeElement) ? show() : null), EVERY);
  }

  await show();
  return el("section", { class: "card whole" }, el("h2", {}, t("shadow")), said);
}

function reported(report) {
  return [
    facts([
      [t("shadow_since"), ago(report.since)],
      [t("until"), ago(report.until)],
      [t("by"), who(report.who)],
      [t("decided"), String(report.decided)],
      [t("decided_same"), String(report.same)],
    ]),
    table(t("decided_otherwise"), [
      [t("was"), (one) => effect(one.was)],
      [t("would_be"), (one) => effect(one.would_be)],
      [t("zone"), (one) => one.zone],
      [t("rule"), (one) => (one.rule ? el("code", {}, one.rule) : "–")],
      [t("times"), (one) => String(one.count)],
      [t("example"), (one) => (one.example_decision_id ? link(`/decisions/${one.example_decision_id}`, t("explain")) : "–")],
    ], report.differing, t("decided_nothing_otherwise")),
  ];
}

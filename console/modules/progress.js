// How far a programme is, phase by phase, fresh by itself; who is stuck; pilot and control; what support asks for.

import { act } from "console/act";
import { refusal } from "console/api";
import { daily } from "console/charts";
import { badge, el, facts, link, table } from "console/dom";
import { comparison, day, decide, exceptionsAsked, named, number, percent, progress, seconds, stuck } from "console/insight";
import { list } from "console/list";
import { heading } from "console/object";
import { ago, moment, t } from "console/words";

const EVERY = 10_000;
const STATES = { draft: "information", announced: "information", piloting: "warning", running: "warning", enforced: "success", finished: "success", paused: "danger", rolled_back: "danger" };
const VERDICTS = { better: "success", worse: "danger", no_difference_seen: "information", too_few: "information" };
const root = document.getElementById("view");
const id = root.dataset.named;
const fresh = el("p", { class: "muted", role: "status" });
const phases = el("div", {});
const asked = el("section", {}, el("h2", {}, t("exceptions_asked")));

function forecast({ on, from, until, slowing }) {
  if (!on) return t("forecast_none");
  const words = until ? t("forecast_within", { on: day(on), from: day(from), until: day(until) }) : t("forecast_open", { on: day(on), from: day(from) });
  return slowing ? [words, " ", badge("warning", t("slowing"))] : words;
}

const time = (one) => (one.before_seconds === null ? seconds(one.median_seconds) : t("time_before", { now: seconds(one.median_seconds), before: seconds(one.before_seconds) }));
const marked = (one) => (one.feedback === null ? "–" : one.feedback_low === null ? t("mean_alone", { mean: number(one.feedback) })
  : t("mean_mark", { mean: number(one.feedback), low: number(one.feedback_low), high: number(one.feedback_high) }));

function figures(one) {
  return facts([
    [t("asked_put_off"), `${number(one.asked)} · ${number(one.put_off)} · ${number(one.excepted)}`],
    [t("succeeded_of"), number(one.succeeded)],
    [t("failed_of"), number(one.failed)],
    [t("given_up_of"), number(one.given_up)],
    [t("time_of"), time(one)],
    [t("help_of"), one.help.map((row) => `${t(`help_kind_${row.kind}`)}: ${t("times_of", { times: number(row.times) })}`).join(", ") || "–"],
    [t("mark_of"), marked(one)],
    [t("stuck_of"), Object.entries(one.stuck).filter(([, count]) => count).map(([why, count]) => `${t(`why_stuck_${why}`)}: ${number(count)}`).join(", ") || "–"],
    [t("forecast_of"), forecast(one.forecast)],
    [t("threshold_of"), one.hindrance ? badge("warning", t(`threshold_${one.hindrance}`)) : t("threshold_met")],
  ]);
}

const kept = new Map();

// A phase's part of the page is made once; its figures come anew, what was opened in it stays open.
function phase(one) {
  if (!kept.has(one.phase_id)) {
    const parts = { title: el("h2", {}), figures: el("div", {}), days: el("div", {}) };
    const who = el("details", {}, el("summary", {}, t("stuck_list")), el("div", {}));
    const beside = el("details", { hidden: !one.begun_at }, el("summary", {}, t("compare_title")), el("div", {}));
    who.addEventListener("toggle", () => { if (who.open && !who.dataset.shown) { who.dataset.shown = "1"; people(who.lastElementChild, one.phase_id); } });
    beside.addEventListener("toggle", () => { if (beside.open && !beside.dataset.shown) { beside.dataset.shown = "1"; compare(beside.lastElementChild, one.phase_id); } });
    parts.section = el("section", { class: "card whole" }, parts.title, parts.figures, parts.days, who, beside);
    kept.set(one.phase_id, parts);
  }
  const { title, figures: shown, days, section } = kept.get(one.phase_id);
  const words = one.reached ? t("enrolled_of", { reached: number(one.reached), enrolled: number(one.enrolled), share: percent(one.enrolled / one.reached) }) : t("enrolled_nobody");
  title.replaceChildren(`${named(one.name)}: ${words} `, badge(STATES[one.state], t(`phase_state_${one.state}`)));
  shown.replaceChildren(figures(one));
  days.replaceChildren(daily(t("enrolled_days"), [t("day_of"), t("people_counted")], one.days.map((row) => [day(row.day), row.enrolled])));
  return section;
}

function people(into, phaseId) {
  list(into, {
    name: t("stuck_list"),
    load: (query) => stuck(id, phaseId, query),
    key: (one) => one.user_id,
    empty: t("stuck_nobody"),
    columns: [
      [t("person"), (one) => link(`/support/${one.user_id}`, one.display_name)],
      [t("because_of"), (one) => t(`why_stuck_${one.why}`)],
      [t("last_try"), (one) => (one.last_at ? [ago(one.last_at), el("small", {}, t(`failure_${one.last_failure}`))] : "–")],
    ],
  });
}

const difference = (apart, say) => (apart ? t("compare_chance", { value: say(apart.value), low: say(apart.low), high: say(apart.high), p: apart.p.toFixed(3) }) : "");

async function compare(into, phaseId) {
  try {
    const one = await comparison(id, phaseId);
    into.replaceChildren(
      el("p", { class: "hint" }, `${t("compare_control")}: ${t(`control_${one.control_is}`)}`),
      facts([
        [t("compare_smooth"), `${t("compare_pilot")} ${one.pilot.smooth}/${one.pilot.tried} · ${t("compare_control")} ${one.control.smooth}/${one.control.tried}`, " ", badge(VERDICTS[one.success], t(`verdict_${one.success}`)), el("br"), difference(one.smooth, percent)],
        [t("time_of"), `${t("compare_pilot")} ${seconds(one.pilot.median_seconds)} · ${t("compare_control")} ${seconds(one.control.median_seconds)}`, " ", badge(VERDICTS[one.quickness], t(`verdict_${one.quickness}`)), el("br"), difference(one.speed, seconds)],
        one.needed && [t("compare_says"), t("compare_needed", { needed: number(one.needed) })],
      ]),
      table(t("platform_of"), [
        [t("platform_of"), (row) => row.platform || t("unknown")],
        [t("compare_pilot"), (row) => t("platform_missed", { missed: row.missed, tried: row.tried })],
        [t("compare_control"), (row) => t("platform_missed", { missed: row.control_missed, tried: row.control_tried })],
        [t("compare_says"), (row) => (row.worse ? badge("danger", t("platform_worse")) : row.apart ? t("verdict_no_difference_seen") : t("verdict_too_few"))],
      ], one.platforms, t("nothing")));
  } catch (error) {
    into.replaceChildren(refusal(error));
  }
}

async function show() {
  try {
    const { phases: found } = await progress(id);
    if (found.length) heading(found[0].programme);
    const sections = found.map(phase);
    if (phases.children.length !== sections.length) phases.replaceChildren(...sections);
    fresh.textContent = t("fresh_at", { at: moment(new Date().toISOString()) });
  } catch (error) {
    phases.replaceChildren(refusal(error));
  }
}

root.append(
  el("p", { class: "acts" }, el("a", { class: "button", href: `/report/${id}` }, t("report_link")), el("button", { type: "button", onclick: () => print() }, t("print_page"))),
  fresh, phases, asked);
await show();
setInterval(() => { if (!document.hidden) show(); }, EVERY);
const waiting = list(asked, {
  name: t("exceptions_asked"),
  load: async (query) => { const found = await exceptionsAsked(id, query); return { ...found, items: found.items.filter((one) => one.decided_at === null) }; },
  key: (one) => one.id,
  empty: t("exceptions_none"),
  columns: [
    [t("person"), (one) => link(`/support/${one.user_id}`, one.display_name)],
    [t("reason"), (one) => one.why],
    [t("until_of"), (one) => moment(one.until)],
    [t("acts"), (one) => el("div", { class: "acts" },
      act({ label: t("grant_it"), about: one.display_name, dangerous: false, happens: () => t("grant_happens", { name: one.display_name, until: moment(one.until) }), done: () => t("granted_done"), run: async (why) => { await decide(id, one.id, true, why); await waiting.refresh(); } }),
      act({ label: t("refuse_it"), about: one.display_name, happens: () => t("refuse_happens", { name: one.display_name }), done: () => t("refused_done"), run: async (why) => { await decide(id, one.id, false, why); await waiting.refresh(); } }))],
  ],
});

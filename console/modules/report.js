// The report of a programme: what was reached, what it cost people, what to do better. It prints.

import { refusal } from "console/api";
import { bars } from "console/charts";
import { badge, el, table } from "console/dom";
import { day, named, number, percent, report, reportPaper, seconds, told } from "console/insight";
import { heading, things } from "console/object";
import { moment, t } from "console/words";

const READY = ["phishing_resistant", "several_factors", "password_alone", "nothing"];
const LEVELS = { now: "danger", soon: "warning", note: "information" };
const root = document.getElementById("view");
const id = root.dataset.named;
const of = (count, whole) => (whole ? `${number(count)} · ${percent(count / whole)}` : number(count));
const sum = (rows, name) => rows.reduce((total, row) => total + row[name], 0);

function reached(one) {
  const ready = one.ready.people ? (one.ready.ready.phishing_resistant + one.ready.ready.several_factors) / one.ready.people : 0;
  const [before, now] = ["before", "now"].map((name) => sum(one.signed_in, name));
  return [
    bars(t("report_ready", { people: number(one.people), share: percent(ready) }), [t("way"), t("people_counted"), t("share_of")], READY.map((name) => [t(`ready_${name}`), one.ready.ready[name]]), one.people),
    el("section", { class: "card whole" }, el("h2", {}, t("report_strength")), table(t("report_strength"), [
      [t("way"), (row) => t(`strength_${row.strength}`)],
      [t("before_it"), (row) => of(row.before, before)],
      [t("now_it"), (row) => of(row.now, now)],
    ], one.signed_in, t("nothing"))),
    el("section", { class: "card whole" }, el("h2", {}, t("reached_title")), table(t("reached_title"), [
      [t("phase_of"), (row) => [named(row.name), el("small", {}, t(`phase_state_${row.state}`))]],
      [t("people_counted"), (row) => number(row.reached)],
      [t("enrolled_people"), (row) => of(row.enrolled, row.reached)],
      [t("succeeded_of"), (row) => number(row.succeeded)],
      [t("missed"), (row) => number(row.failed + row.given_up)],
      [t("forecast_of"), (row) => day(row.forecast.on)],
    ], one.phases, t("found_no_phases"))),
  ];
}

function cost(one) {
  return el("section", { class: "card whole" }, el("h2", {}, t("cost_title")), table(t("cost_title"), [
    [t("phase_of"), (row) => named(row.name)],
    [t("cost_seconds"), (row) => seconds(row.seconds_more)],
    [t("cost_hours"), (row) => (row.hours === null ? "–" : t("hours_of", { hours: number(row.hours) }))],
    [t("missed"), (row) => number(row.failed + row.given_up)],
    [t("put_off_people"), (row) => number(row.put_off)],
    [t("help_of"), (row) => t("times_of", { times: number(row.asked_help) })],
  ], one.costs, t("nothing")));
}

try {
  const one = await report(id);
  heading(`${t("report_title")}: ${one.programme}`);
  root.append(
    el("p", { class: "lead" }, `${one.organisation} · ${moment(one.at)}`),
    el("p", { class: "acts" }, el("a", { class: "button", href: reportPaper(id) }, t("as_pdf")), el("button", { type: "button", onclick: () => print() }, t("print_page")), el("a", { class: "button", href: `/progress/${id}` }, t("progress_link"))),
    el("div", { class: "object" }, reached(one), cost(one),
      el("section", { class: "card whole" }, el("h2", {}, t("improve_title")), things(one.advice, t("advice_all_well"), (advice) => [badge(LEVELS[advice.level], t(`level_${advice.level}`)), " ", t(`advice_${advice.code}`, told(advice.values))]))));
} catch (error) {
  root.append(refusal(error));
}

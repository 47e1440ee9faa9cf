// How people sign in: what there is today, whom a phase would meet, what people say of it. It prints.

import { refusal } from "console/api";
import { bars } from "console/charts";
import { badge, card, choice, el, link, table } from "console/dom";
import { organisationChoices } from "console/identity";
import { analysis, analysisPaper, day, feedback, marks, named, number, percent, seconds, signInDays, told } from "console/insight";
import { list } from "console/list";
import { word } from "console/object";
import { moment, t } from "console/words";

const SPANS = ["7", "30", "90", "180"];
const READY = ["phishing_resistant", "several_factors", "password_alone", "nothing"];
const STATES = { draft: "information", announced: "information", piloting: "warning", running: "warning", enforced: "success", finished: "success", paused: "danger", rolled_back: "danger" };
const root = document.getElementById("view");
const at = new URL(location.href);
const shown = el("div", {});
const said = el("section", {}, el("h2", {}, t("what_they_said")));
const asked = () => ({ organisation: at.searchParams.get("organisation") ?? "", days: at.searchParams.get("days") ?? "30" });

const sum = (rows, of) => rows.reduce((total, row) => total + row[of], 0);
const about = (one, name) => {
  const { code, values } = one.findings.find((finding) => finding.about === name);
  return t(`found_${code}`, told(values));
};

function groups(one, by, title, named_) {
  const rows = one.groups.filter((group) => group.by === by);
  if (!rows.length) return null;
  return el("section", { class: "card whole" }, el("h2", {}, title), table(title, [
    [t("people_counted"), (group) => [named_(group), el("small", {}, number(group.people))]],
    ...READY.map((ready) => [t(`ready_${ready}`), (group) => `${number(group.ready[ready])} · ${percent(group.people ? group.ready[ready] / group.people : 0)}`]),
  ], rows, t("nothing")));
}

function phases(one) {
  return el("section", { class: "card whole" }, el("h2", {}, about(one, "phases")), table(about(one, "phases"), [
    [t("phase_of"), (hit) => [link(`/progress/${hit.programme_id}`, named(hit.name)), el("small", {}, hit.programme)]],
    [t("state"), (hit) => badge(STATES[hit.state], t(`phase_state_${hit.state}`))],
    [t("reaches_people"), (hit) => number(hit.people)],
    [t("not_ready"), (hit) => number(hit.people - hit.ready)],
  ], one.phases, t("found_no_phases")));
}

const mark = (row) => (row.low === null ? t("mean_alone", { mean: number(row.mean) }) : t("mean_mark", { mean: number(row.mean), low: number(row.low), high: number(row.high) }));

function trend({ days }) {
  return el("section", { class: "card whole" }, el("h2", {}, t("trend_title")), table(t("trend_title"), [
    [t("day_of"), (one) => day(one.day)],
    [t("way"), (one) => (one.method ? t(`way_in_${one.method}`) : t("nobody_known"))],
    [t("got_in"), (one) => number(one.got_in)],
    [t("missed"), (one) => number(one.failed + one.given_up + one.left)],
    [t("median_time"), (one) => seconds(one.median_seconds)],
  ], [...days].reverse(), t("nothing")));
}

async function show() {
  const query = asked();
  try {
    const [one, trends, gave] = await Promise.all([analysis(query), signInDays(query), marks(query)]);
    const everybody = one.groups.find(({ by }) => by === "all");
    shown.replaceChildren(
      el("p", { class: "lead" }, t("counted_people", { people: number(one.people), locked: number(one.locked), days: one.days })),
      el("p", { class: "acts" }, el("a", { class: "button", href: analysisPaper(query) }, t("as_pdf")), el("button", { type: "button", onclick: () => print() }, t("print_page"))),
      el("div", { class: "object" },
        bars(about(one, "strength"), [t("way"), t("people_counted"), t("share_of")], READY.map((ready) => [t(`ready_${ready}`), everybody.ready[ready]]), one.people),
        groups(one, "organisation", t("by_organisation"), (group) => group.name),
        groups(one, "role", about(one, "role"), (group) => group.name || t("no_role")),
        groups(one, "risk", about(one, "risk"), (group) => t(`at_risk_${group.key}`)),
        bars(about(one, "methods"), [t("way"), t("sign_ins_counted"), t("share_of"), t("median_time")], one.methods.map((row) => [t(`way_in_${row.method}`), row.sign_ins, seconds(row.median_seconds)]), sum(one.methods, "sign_ins")),
        bars(about(one, "failures"), [t("because_of"), t("attempts_counted"), t("share_of")], one.failures.map((row) => [t(`failure_${row.why}`), row.attempts]), sum(one.failures, "attempts")),
        bars(about(one, "hashes"), [t("hash_of"), t("people_counted"), t("share_of")], one.hashes.map((row) => [[row.scheme, t(`hash_${row.state}`)].filter(Boolean).join(" · "), row.people]), one.people),
        bars(about(one, "idle"), [t("last_seen_when"), t("people_counted"), t("share_of")], one.idle.map((row) => [t(`idle_${row.idle}`), row.people]), one.people),
        phases(one),
        trend(trends),
        card(t("marks_title"), table(t("marks_title"), [
          [t("way"), (row) => t(`way_in_${row.method}`)],
          [t("answers"), (row) => number(row.answers)],
          [t("mark_of"), mark],
        ], gave.methods, t("marks_none")))));
  } catch (error) {
    shown.replaceChildren(refusal(error));
  }
}

const chosen = (name, label, options) => choice(name, label, options, asked()[name], {
  onchange: ({ target }) => { at.searchParams.set(name, target.value); history.replaceState(null, "", at); show(); heard.refresh(); },
});

root.append(
  el("form", { class: "tools", onsubmit: (event) => event.preventDefault() },
    chosen("organisation", t("organisation"), await organisationChoices()),
    chosen("days", t("days_back"), SPANS.map((span) => [span, span]))),
  shown, said);
const heard = list(said, {
  name: t("what_they_said"),
  load: (query) => feedback({ ...query, organisation: asked().organisation }),
  key: (one) => one.id,
  empty: t("marks_none"),
  columns: [
    [t("at"), (one) => moment(one.at)],
    [t("way"), (one) => word("way_in", one.method)],
    [t("mark_of"), (one) => t("score_of", { score: one.score })],
    [t("text_of"), (one) => one.text || "–"],
  ],
});
await show();

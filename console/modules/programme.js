// One programme: its phases over the days, what can be done with each now, whom they reach, who is excepted.

import { act } from "console/act";
import { refusal } from "console/api";
import { badge, card, choice, el, facts, field, table } from "console/dom";
import { people } from "console/identity";
import { list } from "console/list";
import { heading, word } from "console/object";
import { DANGEROUS, STATES, exceptions, grant, phaseEvents, programme, reach, startProgramme, takeOn, withdraw } from "console/programming";
import { timeline } from "console/timeline";
import { who } from "console/who";
import { ago, locale, moment, t } from "console/words";

const root = document.getElementById("view");
const SHOWN = 20;
const time = (at) => el("time", { datetime: at, title: ago(at) }, moment(at));
const called = (phase) => phase.name[locale] ?? phase.key;
const percent = (part, whole) => (whole ? `${Math.round((part / whole) * 100)} %` : "–");
let one;
let excepted;

function share() {
  return field("share", t("widen_to"), { type: "number", min: "1", max: "100", required: true });
}

function acting(phase, { act: what, hindered_by: because }) {
  if (because) return el("p", { class: "hint" }, `${word("act", what)}: ${word("hindered", because)}`);
  const beside = what === "widen" ? share() : null;
  return act({
    label: word("act", what),
    about: called(phase),
    dangerous: DANGEROUS.includes(what),
    beside,
    happens: () => `${called(phase)}. ${word("happens", what)}`,
    done: () => t("act_done", { phase: called(phase), act: word("act", what) }),
    run: async (why) => { await takeOn(one, phase, what, why, Number(beside?.querySelector("input").value) || undefined); await show(); },
  });
}

// Whom it would hit, asked for only when somebody wants to see it: it looks at everybody.
function reached(phase) {
  const shown = el("div", {});
  const details = el("details", { ontoggle: async () => {
    if (!details.open || shown.childElementCount) return;
    shown.replaceChildren(el("progress", { "aria-label": t("working") }));
    try {
      const found = await reach(one, phase, SHOWN);
      shown.replaceChildren(
        el("p", {}, t("reaches", { total: found.total, ready: found.ready })),
        table(t("reached"), [
          [t("person"), (person) => who(person.id)],
          [t("factors"), (person) => person.enrolled.map((method) => word("method", method)).join(", ") || "–"],
          [t("exceptions"), (person) => (person.excepted ? t("yes") : "–")],
        ], found.people, t("nobody_reached")));
    } catch (error) {
      shown.replaceChildren(refusal(error));
    }
  } }, el("summary", {}, t("reached")), shown);
  return details;
}

function past(phase) {
  const shown = el("div", {});
  const details = el("details", { ontoggle: async () => {
    if (!details.open || shown.childElementCount) return;
    try {
      const { items } = await phaseEvents(one, phase, { limit: SHOWN });
      shown.replaceChildren(table(t("history"), [
        [t("at"), (event) => time(event.at)],
        [t("what"), (event) => word("act", event.act)],
        [t("reason"), (event) => event.why],
        [t("by"), (event) => who(event.who)],
      ], items, t("nothing")));
    } catch (error) {
      shown.replaceChildren(refusal(error));
    }
  } }, el("summary", {}, t("history")), shown);
  return details;
}

function shownPhase(phase) {
  const { announce, begin, enforce, end } = phase.dates;
  const { successes, failures, feedback } = phase.measured;
  const cohort = one.cohorts.find(({ id }) => id === phase.cohort_id);
  return card(called(phase),
    facts([
      [t("state"), badge(STATES[phase.state], word("phase", phase.state))],
      [t("cohort"), `${cohort?.name ?? "–"} · ${phase.share} %`],
      [t("asks_for"), phase.demand.methods.map((method) => word("method", method)).join(", ")],
      [t("date_announce"), time(announce)],
      [t("date_begin"), time(begin)],
      [t("date_enforce"), time(enforce)],
      [t("date_end"), time(end)],
      phase.demand.close_password && [t("password"), t("password_closes")],
      phase.begun_at && [t("measured"), `${percent(successes, successes + failures)} (${successes + failures})${feedback ? ` · ${feedback.toFixed(1)} / 5` : ""}`],
    ]),
    el("div", { class: "acts" }, phase.acts.map((possible) => acting(phase, possible))),
    reached(phase), past(phase));
}

function granting() {
  const month = new Date(Date.now() + 30 * 86_400_000).toISOString().slice(0, 10);
  const form = el("form", { novalidate: true, onsubmit: (event) => { event.preventDefault(); give.click(); } },
    el("div", { class: "fields" },
      field("name", t("login"), { required: true, maxlength: "100", autocomplete: "off" }),
      choice("phase_id", t("phase"), one.phases.map((phase) => [phase.id, called(phase)])),
      field("until", t("until"), { type: "date", value: month, required: true })));
  const given = (name) => form.elements[name].value.trim();
  const give = act({
    label: t("give_exception"),
    dangerous: false,
    ready: () => form.reportValidity(),
    happens: () => t("give_exception_happens", { name: given("name"), until: given("until") }),
    done: () => t("give_exception_done"),
    run: async (why) => {
      const found = (await people({ name: given("name"), limit: SHOWN })).items.filter(({ login_name: login }) => login === given("name"));
      if (found.length !== 1) throw new Error(t("nobody_of_that_name"));
      await grant(one, { why, phase_id: given("phase_id"), user_id: found[0].id, until: new Date(`${given("until")}T23:59:59`).toISOString() });
      await excepted.refresh();
    },
  });
  form.append(el("div", { class: "acts" }, give));
  return form;
}

async function show() {
  one = await programme(root.dataset.named);
  heading(one.name);
  const start = one.started_at ? null : act({
    label: t("start_programme"),
    happens: () => t("start_programme_happens"),
    done: () => t("start_programme_done"),
    run: async (why) => { await startProgramme(one, why); await show(); },
  });
  const log = el("section", {}, el("h2", {}, t("exceptions")), granting());
  root.replaceChildren(
    facts([
      [t("state"), badge(one.started_at ? "success" : "information", t(one.started_at ? "goes_on_by_dates" : "goes_on_by_hand"))],
      [t("id"), el("code", {}, one.id)],
    ]),
    el("p", { class: "acts" }, el("a", { class: "button", href: `/progress/${one.id}` }, t("progress_link")), el("a", { class: "button", href: `/report/${one.id}` }, t("report_link")), el("a", { class: "button", href: `/plan/${one.id}` }, t("plan")), el("a", { class: "button", href: `/notices/${one.id}` }, t("notices"))),
    start ? el("div", { class: "acts above" }, start) : "",
    timeline(one.phases, called),
    el("div", { class: "object" }, one.phases.map(shownPhase)),
    log);
  excepted = list(log, {
    name: t("exceptions"),
    load: (query) => exceptions(one, query),
    key: (exception) => exception.id,
    empty: t("no_exceptions"),
    columns: [
      [t("person"), (exception) => who(exception.user_id)],
      [t("phase"), (exception) => called(one.phases.find(({ id }) => id === exception.phase_id))],
      [t("until"), (exception) => time(exception.until)],
      [t("reason"), (exception) => exception.why],
      [t("by"), (exception) => who(exception.who)],
      [t("acts"), (exception) => (exception.holds ? el("div", { class: "acts" }, act({
        label: t("withdraw"),
        happens: () => t("withdraw_happens"),
        done: () => t("withdraw_done"),
        run: async (why) => { await withdraw(one, exception, why); await excepted.refresh(); },
      })) : t("exception_over"))],
    ],
  });
}

try {
  await show();
} catch (error) {
  root.replaceChildren(refusal(error));
}

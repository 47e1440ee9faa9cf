// The plan of a programme: for each phase its dates, grace, reminders, share, what it asks for and the thresholds; and cohorts.

import { act } from "console/act";
import { refusal } from "console/api";
import { badge, card, choice, el, field, link, table } from "console/dom";
import { CHANGEABLE, DATES, METHODS, STATES, changePhase, previewOf, programme, putCohort } from "console/programming";
import { heading, word } from "console/object";
import { locale, t } from "console/words";
import { who } from "console/who";

const root = document.getElementById("view");
const SHOWN = 20;
const called = (phase) => phase.name[locale] ?? phase.key;
const two = (number) => String(number).padStart(2, "0");
// As an input of the browser has it: by its own clock.
const local = (iso) => {
  const at = new Date(iso);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
};
const moment = (typed) => new Date(typed).toISOString();
const number = (value) => (value === "" ? null : Number(value));
let one;

const reminded = (reminders) => reminders.map(({ date, days }) => `${date} ${days}`).join("\n");
// "enforce -7" a line: so many days from a date, before it where negative.
function reminders(text) {
  return text.split("\n").map((line) => line.trim()).filter(Boolean).map((line) => {
    const [date, days] = line.split(/\s+/);
    return { date, days: Number(days) };
  });
}

function readable(area) {
  const fine = reminders(area.value).every(({ date, days }) => DATES.includes(date) && Number.isInteger(days));
  area.setCustomValidity(fine ? "" : t("reminders_wrong"));
  area.toggleAttribute("aria-invalid", !fine);
  return fine;
}

function inOrder(form) {
  const typed = DATES.map((name) => form.elements[name]);
  const late = typed.find((input, index) => index && input.value < typed[index - 1].value);
  for (const input of typed) input.setCustomValidity(input === late ? t("dates_wrong") : "");
  return !late;
}

function editing(phase) {
  const open = CHANGEABLE.includes(phase.state);
  const held = phase.kind === "passwordless"; // no other is held back by what was measured
  const key = (name) => `${name}-${phase.id}`;
  const typed = (name, label, more) => {
    const made = field(key(name), label, more);
    made.querySelector("input").name = name;
    return made;
  };
  const { thresholds, demand, dates } = phase;
  const said = (value) => (value === null || value === undefined ? "" : String(value));
  const form = el("form", { novalidate: true, onsubmit: (event) => { event.preventDefault(); save.click(); } },
    el("fieldset", {}, el("legend", {}, t("dates")),
      el("div", { class: "fields" }, DATES.map((name) => typed(name, t(`date_${name}`), { type: "datetime-local", required: true, value: local(dates[name]) })))),
    el("div", { class: "fields" },
      typed("grace_days", t("grace_days"), { type: "number", min: "0", max: "365", required: true, value: phase.grace_days }),
      (() => {
        const cohorts = choice(key("cohort_id"), t("cohort"), one.cohorts.map(({ id, name }) => [id, name]), phase.cohort_id, { disabled: !open });
        cohorts.querySelector("select").name = "cohort_id";
        return cohorts;
      })(),
      typed("share", t("share_of_cohort"), { type: "number", min: "1", max: "100", required: true, value: phase.share, disabled: !open })),
    el("fieldset", {}, el("legend", {}, t("asks_for")),
      METHODS.map((method) => el("div", { class: "choice" },
        el("input", { type: "checkbox", name: "methods", id: key(method), value: method, checked: demand.methods.includes(method), disabled: !open }),
        el("label", { for: key(method) }, word("method", method)))),
      [["second_factor", t("asks_second_factor")], ["close_password", t("password_closes")]].map(([name, label]) => el("div", { class: "choice" },
        el("input", { type: "checkbox", name, id: key(name), checked: demand[name], disabled: !open }),
        el("label", { for: key(name) }, label)))),
    open ? null : el("p", { class: "hint" }, t("asks_stands")),
    held ? el("fieldset", {}, el("legend", {}, t("thresholds")), el("p", { class: "hint" }, t("thresholds_hint")),
      el("div", { class: "fields" },
        typed("min_success_rate", t("min_success_rate"), { type: "number", min: "0", max: "100", step: "any", value: thresholds.min_success_rate === null ? "" : String(thresholds.min_success_rate * 100) }),
        typed("max_failure_rate", t("max_failure_rate"), { type: "number", min: "0", max: "100", step: "any", value: thresholds.max_failure_rate === null ? "" : String(thresholds.max_failure_rate * 100) }),
        typed("min_feedback", t("min_feedback"), { type: "number", min: "1", max: "5", step: "0.1", value: said(thresholds.min_feedback) }),
        typed("min_sample", t("min_sample"), { type: "number", min: "0", max: "1000000", required: true, value: said(thresholds.min_sample) }))) : null,
    el("div", { class: "field" },
      el("label", { for: key("reminders") }, t("reminders")),
      el("p", { class: "hint", id: key("reminders-hint") }, t("reminders_hint")),
      el("textarea", { id: key("reminders"), name: "reminders", class: "lines", rows: "4", spellcheck: "false", "aria-describedby": key("reminders-hint"), onchange: ({ target }) => readable(target) }, reminded(phase.reminders))));
  const share = (value) => (value === "" ? null : Number(value) / 100);
  const asked = () => {
    const { elements } = form;
    const wanted = {
      dates: Object.fromEntries(DATES.map((name) => [name, moment(elements[name].value)])),
      grace_days: Number(elements.grace_days.value),
      reminders: reminders(elements.reminders.value),
      ...(held ? { thresholds: {
        min_success_rate: share(elements.min_success_rate.value), max_failure_rate: share(elements.max_failure_rate.value),
        min_feedback: number(elements.min_feedback.value), min_sample: Number(elements.min_sample.value),
      } } : {}),
    };
    if (!open) return wanted;
    return {
      ...wanted,
      cohort_id: elements.cohort_id.value,
      share: Number(elements.share.value),
      demand: {
        methods: [...form.querySelectorAll('input[name="methods"]:checked')].map(({ value }) => value),
        second_factor: elements.second_factor.checked, close_password: elements.close_password.checked,
      },
    };
  };
  const save = act({
    label: t("save"),
    about: called(phase),
    dangerous: false,
    ready: () => readable(form.elements.reminders) && inOrder(form) && form.reportValidity() || (form.reportValidity(), false),
    happens: () => t("phase_change_happens", { phase: called(phase) }),
    done: () => t("save_done", { name: called(phase) }),
    run: async (why) => { await changePhase(one, phase, { why, ...asked() }); await show(); },
  });
  form.append(el("div", { class: "acts" }, save));
  return el("details", { id: `phase-${phase.key}` },
    el("summary", {}, called(phase), " ", badge(STATES[phase.state], word("phase", phase.state))), form);
}

// A rule is edited as the API has it: checked, and its people counted, before it is kept.
function cohortEditing(cohort) {
  const key = cohort?.id ?? "new";
  const area = el("textarea", { id: `rule-${key}`, class: "lines", rows: "6", spellcheck: "false", required: true, "aria-describedby": "rule-hint" },
    JSON.stringify(cohort?.rule ?? { type: "everybody" }, null, 2));
  const name = field(`cohort-${key}`, t("cohort_name"), { value: cohort?.name ?? "", required: true, maxlength: "200" });
  const shown = el("div", { "aria-live": "polite" });
  const look = async () => {
    shown.replaceChildren(el("progress", { "aria-label": t("working") }));
    try {
      const found = await previewOf(one, area.value, SHOWN);
      shown.replaceChildren(el("p", {}, t("rule_reaches", { total: found.total })),
        table(t("reached"), [[t("person"), (person) => who(person.id)], [t("factors"), (person) => person.enrolled.map((method) => word("method", method)).join(", ") || "–"]], found.people, t("nobody_reached")));
    } catch (error) {
      shown.replaceChildren(refusal(error));
    }
  };
  const parsed = () => {
    try {
      JSON.parse(area.value);
      area.setCustomValidity("");
    } catch {
      area.setCustomValidity(t("rule_wrong"));
    }
    return form.reportValidity();
  };
  const save = act({
    label: t(cohort ? "save" : "add_cohort"),
    about: cohort?.name ?? "",
    dangerous: false,
    ready: parsed,
    happens: () => t("cohort_happens"),
    done: () => t("save_done", { name: name.querySelector("input").value }),
    run: async (why) => { await putCohort(one, cohort, { why, name: name.querySelector("input").value.trim(), rule: JSON.parse(area.value) }); await show(); },
  });
  const form = el("form", { novalidate: true, onsubmit: (event) => { event.preventDefault(); save.click(); } }, name,
    el("div", { class: "field" }, el("label", { for: `rule-${key}` }, t("cohort_rule")), area),
    el("div", { class: "acts" }, el("button", { type: "button", onclick: look }, t("who_is_meant")), save), shown);
  return el("details", {}, el("summary", {}, cohort?.name ?? t("add_cohort")), form);
}

async function show() {
  const opened = [...root.querySelectorAll("details[open][id]")].map(({ id }) => id);
  one = await programme(root.dataset.named);
  heading(t("plan_of", { name: one.name }));
  root.replaceChildren(
    el("p", { class: "acts above" }, link(`/programmes/${one.id}`, one.name), link(`/notices/${one.id}`, t("notices"))),
    card(t("phases"), el("p", { class: "hint" }, t("phases_hint")), one.phases.map(editing)),
    card(t("cohorts"), el("p", { class: "hint", id: "rule-hint" }, t("rule_hint")), [...one.cohorts, null].map(cohortEditing)));
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
}

try {
  await show();
} catch (error) {
  root.replaceChildren(refusal(error));
}

// One person as support sees them: what they have set up, which phase meets them and when, why they did not get in.

import { act } from "console/act";
import { refusal } from "console/api";
import { badge, card, el, facts, table } from "console/dom";
import { askException, named, number, sendRecovery, sendReminder, supported } from "console/insight";
import { heading, things, word } from "console/object";
import { ago, moment, place, t } from "console/words";

const DAYS = 30;
const root = document.getElementById("view");
const id = root.dataset.named;

const RUN = {
  recovery: (_, why) => sendRecovery(id, why),
  reminder: (phase, why) => sendReminder(id, phase, why),
  exception: (phase, why) => askException(id, phase, new Date(Date.now() + DAYS * 86_400_000).toISOString(), why),
};

function doing(one, name) {
  const about = { name: one.display_name };
  return (possible) => (possible.hindrance
    ? el("p", { class: "muted" }, `${t(`support_act_${possible.act}`)}: ${t(`hinders_${possible.hindrance}`)}`)
    : act({
      label: t(`support_act_${possible.act}`),
      about: name,
      dangerous: false,
      happens: () => t(`support_happens_${possible.act}`, about),
      done: () => t(`support_done_${possible.act}`),
      run: async (why) => { await RUN[possible.act](possible.phase_id, why); await show(); },
    }));
}

function phase(one, met) {
  return [
    el("strong", {}, named(met.name)), " ",
    met.ready ? badge("success", t("ready_of")) : met.excepted_until ? badge("information", t("excepted_of", { until: moment(met.excepted_until) })) : badge("warning", t("not_ready")),
    el("small", {}, `${t(`phase_state_${met.state}`)} · ${t("deadline_of")}: ${moment(met.deadline)}`),
    el("div", { class: "acts" }, one.acts.filter(({ phase_id }) => phase_id === met.phase_id).map(doing(one, named(met.name)))),
  ];
}

async function show() {
  const one = await supported(id);
  heading(one.display_name);
  const attempts = t("last_attempts");
  root.replaceChildren(el("div", { class: "object" },
    card(t("account"), facts([
      [t("state"), badge(one.state === "locked" ? "danger" : "success", t(`state_${one.state}`))],
      one.lock_reason && [t("locked_because"), word("lock", one.lock_reason)],
      [t("login"), one.login_names.join(", ") || "–"],
      [t("email"), one.whole ? one.email || "–" : t("elsewhere")],
      [t("language_of"), one.locale],
      [t("signed_in"), t(one.live ? "yes" : "no")],
    ])),
    card(t("has_set_up"), one.whole ? things(one.set_up, t("set_up_none"), (row) => [
      t(`set_up_${row.kind}`),
      el("small", {}, t("set_up_since", { count: number(row.count), since: moment(row.since) }), row.last_used_at ? ` · ${t("used", { when: ago(row.last_used_at) })}` : ""),
    ]) : el("p", { class: "muted" }, t("elsewhere"))),
    card(t("asked_of_them"), things(one.phases, t("meets_none"), (met) => phase(one, met))),
    card(t("what_support_may"), el("div", { class: "acts" }, one.acts.filter(({ phase_id }) => phase_id === null).map(doing(one, one.display_name)))),
    el("section", { class: "card whole" }, el("h2", {}, attempts), table(attempts, [
      [t("at"), (row) => el("time", { datetime: row.at, title: ago(row.at) }, moment(row.at))],
      [t("what"), (row) => word("outcome", row.outcome)],
      [t("because_of"), (row) => (row.why ? t(`failure_${row.why}`) : "–")],
      [t("device"), (row) => row.device || t("unknown")],
      [t("place"), (row) => place(row.place, "")],
    ], one.attempts, t("attempts_none")))));
}

try {
  await show();
} catch (error) {
  root.replaceChildren(refusal(error));
}

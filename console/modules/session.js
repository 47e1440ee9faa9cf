// One session, live or ended: whose, where, since when, which apps have it, and who was told of its end.

import { act } from "console/act";
import { refusal } from "console/api";
import { badge, card, el, facts, link } from "console/dom";
import { endSession, retryDelivery, session } from "console/identity";
import { heading, things, word } from "console/object";
import { ago, moment, place, t } from "console/words";

const root = document.getElementById("view");
const sid = root.dataset.named;
const object = el("div", { class: "object" });

const STATES = { live: "success", expired: "warning", ended: "information" };
const DELIVERIES = { dead: "danger", waiting: "warning", delivered: "success" };

const time = (at) => el("time", { datetime: at, title: ago(at) }, moment(at));

function state(one) {
  const by = one.ended_by;
  const ended = one.state === "ended";
  return card(t("state"),
    facts([
      [t("state"), badge(STATES[one.state], t(`session_${one.state}`))],
      ended && [t("ended"), time(one.ended_at), " · ", word("ended", one.end_reason)],
      by && [t("by"), by.device || by.browser || t("unknown"), " · ", place(by.place, by.network)],
      [t("person"), link(`/people/${one.user_id}`, one.display_name)],
      [t("organisation"), link(`/organisations/${one.organisation_id}`, one.organisation)],
      [t("strength"), t(one.acr.endsWith(":3") ? "security_key" : one.acr.endsWith(":2") ? "two_factors" : "one_factor")],
      [t("begun"), time(one.created_at)],
      [t("last_active"), time(one.last_activity_at)],
      !ended && [t("ends"), time(one.idle_expires_at)],
      !ended && [t("ends_at_most"), time(one.absolute_expires_at)],
      [t("id"), el("code", {}, one.sid)],
    ]),
    el("div", { class: "acts" }, ended ? "" : one.own ? el("span", { class: "muted" }, t("own_session")) : act({
      label: t("end_session"),
      happens: () => t("end_session_happens", { name: one.display_name, device: one.device || t("unknown") }),
      done: () => t("end_session_done", { name: one.display_name }),
      run: (why) => after(endSession(sid, why)),
    })));
}

const device = (one) => card(t("device"), facts([
  [t("device"), one.device || t("unknown")],
  [t("browser"), one.browser || t("unknown")],
  [t("place"), place(one.place, one.network)],
  [t("address"), one.ip],
]));

const party = (one) => [el("code", {}, one.client_id), el("small", {}, moment(one.since))];

const delivery = (one) => [
  t(`channel_${one.channel}`), " · ", el("code", {}, one.client_id), " ", badge(DELIVERIES[one.state], t(`delivery_${one.state}`)),
  el("small", {}, moment(one.finished_at || one.created_at), one.problem ? ` · ${one.problem}` : ""),
  one.may_retry ? act({
    label: t("retry"),
    about: one.client_id,
    dangerous: false,
    happens: () => t("retry_happens"),
    done: () => t("retry_done"),
    run: (why) => after(retryDelivery(one, why)),
  }) : "",
];

async function after(doing) {
  await doing;
  await show();
}

async function show() {
  const one = await session(sid);
  heading(t("session_of", { name: one.display_name }));
  object.replaceChildren(
    state(one),
    device(one),
    card(t("apps"), things(one.relying_parties, t("no_apps"), party)),
    card(t("deliveries"), things(one.deliveries, t("no_deliveries"), delivery)));
}

root.append(object);
try {
  await show();
} catch (error) {
  object.replaceChildren(refusal(error));
}

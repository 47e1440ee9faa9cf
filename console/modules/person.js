// One person: their account, session, devices and factors, and what can be done now.

import { act } from "console/act";
import { refusal } from "console/api";
import { badge, card, el, facts, link } from "console/dom";
import { askReset, endSession, lock, person, resets, signIns, unlock } from "console/identity";
import { list } from "console/list";
import { heading, things, word } from "console/object";
import { RESETS, resetActs } from "console/resetting";
import { ago, moment, place, t } from "console/words";

const root = document.getElementById("view");
const id = root.dataset.named;
const object = el("div", { class: "object" });
const log = el("section", {}, el("h2", {}, t("sign_ins")));
let code = "";

const OUTCOMES = { signed_in: "success", taken_over: "success", failed: "warning", kept: "information", abandoned: "information", refused: "danger" };

function account(one) {
  const name = one.display_name;
  const locked = one.state === "locked";
  return card(t("account"),
    facts([
      [t("state"), badge(locked ? "danger" : "success", t(`state_${one.state}`))],
      locked && [t("locked_because"), word("lock", one.lock_reason), one.locked_at ? ` · ${moment(one.locked_at)}` : ""],
      [t("login"), one.login_names.join(", ") || "–"],
      [t("email"), one.whole ? one.email || "–" : t("elsewhere"), one.email ? ` · ${t(one.email_verified ? "email_proven" : "email_not_proven")}` : ""],
      [t("organisation"), ...one.memberships.flatMap((of, index) => [index ? el("br") : "", link(`/organisations/${of.organisation_id}`, of.organisation), ` · ${of.roles.join(", ") || "–"}`])],
      [t("since"), moment(one.created_at)],
      [t("id"), el("code", {}, one.id)],
    ]),
    el("div", { class: "acts" }, one.session?.own ? el("span", { class: "muted" }, t("own_account")) : !one.whole ? el("span", { class: "muted" }, t("not_yours_alone")) : locked
      ? act({ label: t("unlock"), dangerous: false, happens: () => t("unlock_happens", { name }), done: () => t("unlock_done", { name }), run: (why) => after(unlock(one, why)) })
      : act({ label: t("lock"), happens: () => t("lock_happens", { name }), done: () => t("lock_done", { name }), run: (why) => after(lock(one, why)) })));
}

function session({ display_name: name, session: now }) {
  if (!now) return card(t("session"), el("p", { class: "muted" }, t("not_signed_in")));
  return card(t("session"),
    facts([
      [t("device"), now.device || t("unknown")],
      [t("place"), place(now.place, now.network)],
      [t("address"), now.ip],
      [t("last_active"), ago(now.last_activity_at)],
      [t("begun"), moment(now.created_at)],
      [t("ends"), ago(now.idle_expires_at)],
      [t("id"), link(`/sessions/${now.sid}`, el("code", {}, now.sid))],
    ]),
    el("div", { class: "acts" }, now.own ? el("span", { class: "muted" }, t("own_session")) : act({
      label: t("end_session"),
      happens: () => t("end_session_happens", { name, device: now.device || t("unknown") }),
      done: () => t("end_session_done", { name }),
      run: (why) => after(endSession(now.sid, why)),
    })));
}

const device = (one) => [
  one.name || t("unknown"), " ", badge("information", word("trust", one.trust)),
  el("small", {}, t("seen", { when: ago(one.last_seen_at), times: one.sign_ins })),
];

const factor = (one) => [
  word("factor", one.kind), one.label ? ` · ${one.label}` : "",
  one.model && one.model !== one.label ? ` · ${one.model}` : "",
  one.attested ? [" ", badge("success", t("attested"))] : "",
  one.clone_suspected_at ? [" ", badge("danger", t("clone_suspected"))] : "",
  one.model_refused ? [" ", badge("danger", t("model_refused", { status: one.model_refused }))] : "",
  el("small", {}, one.last_used_at ? t("used", { when: ago(one.last_used_at) }) : t("added", { when: ago(one.created_at) })),
];

// Lost factors are not the end: one administrator asks and tells the code by phone, another agrees, and it works.
function factors(one, open) {
  return card(t("factors"),
    one.whole ? things(one.factors, t("no_factors"), factor) : el("p", { class: "muted" }, t("elsewhere")),
    code && el("div", { class: "notice warning", role: "status" }, t("reset_code", { name: one.display_name }), el("p", {}, el("strong", {}, code))),
    open && [facts([
      [t("reset"), badge(RESETS[open.state], word("reset", open.state))],
      [t("by"), open.asked_by.display_name],
      [t("reason"), open.why],
      [t("ends"), ago(open.expires_at)],
    ]), resetActs(open, show)],
    el("div", { class: "acts" }, one.whole && !open && !one.session?.own ? act({
      label: t("ask_reset"),
      happens: () => t("ask_reset_happens", { name: one.display_name }),
      done: () => t("ask_reset_done"),
      run: async (why) => { ({ code } = await askReset(one, why)); await show(); },
    }) : ""));
}

async function after(doing) {
  await doing;
  await show();
}

async function show() {
  const [one, { items }] = await Promise.all([person(id), resets({ person: id, limit: "1" })]);
  const open = items.find(({ state }) => state === "asked" || state === "approved");
  heading(one.display_name);
  object.replaceChildren(
    account(one),
    session(one),
    card(t("devices"), one.whole ? things(one.devices, t("no_devices"), device) : el("p", { class: "muted" }, t("elsewhere"))),
    factors(one, open));
}

root.append(object, log);
try {
  await show();
  list(log, {
    name: t("sign_ins"),
    load: (query) => signIns(id, query),
    key: (one) => one.id,
    empty: t("no_sign_ins"),
    columns: [
      [t("at"), (one) => el("time", { datetime: one.at, title: ago(one.at) }, moment(one.at))],
      [t("what"), (one) => badge(OUTCOMES[one.outcome] ?? "information", word("outcome", one.outcome))],
      [t("device"), (one) => one.device || one.browser || t("unknown")],
      [t("place"), (one) => [place(one.place, one.network), el("small", {}, one.ip)]],
      [t("app"), (one) => one.client_id || "–"],
      [t("ended"), (one) => (one.ended_at ? [moment(one.ended_at), el("small", {}, word("ended", one.end_reason))] : "–")],
    ],
  });
} catch (error) {
  object.replaceChildren(refusal(error));
}

// Recorded decisions decided again by a version: begun, how far it is, and who would lose or gain.

import { Refused, refusal } from "console/api";
import { choice, el, link, table } from "console/dom";
import { effect } from "console/explanation";
import { replay, replayed } from "console/policy";
import { who } from "console/who";
import { t } from "console/words";

const EVERY = 1_000;
const HOUR = 3_600_000;
const MOST = 50;
const HOURS = ["24", "72", "168"];
const KINDS = ["lost", "gained", "changed"];
const COUNTS = ["people", "roles", "zones"];
const UNDER_WAY = ["waiting", "running"];

export function replaying(number) {
  const bar = el("progress", { max: 1, value: 0, hidden: true, "aria-label": t("replay") });
  const state = el("p", { class: "muted", role: "status" });
  const said = el("div", {});
  const hours = choice("hours", t("replay_hours"), HOURS.map((one) => [one, t("hours", { hours: one })]));
  const go = el("button", { type: "button", onclick: begin }, t("begin_replay"));

  async function begin() {
    go.disabled = true;
    said.replaceChildren();
    try {
      const since = new Date(Date.now() - Number(hours.querySelector("select").value) * HOUR).toISOString();
      await follow(await replay(number, { since }));
    } catch (error) {
      said.replaceChildren(refusal(error));
    }
    bar.hidden = true;
    go.disabled = false;
  }

  async function follow(begun) {
    let one = begun;
    while (UNDER_WAY.includes(one.state)) {
      bar.hidden = false;
      bar.max = one.of || 1;
      bar.value = one.done;
      state.textContent = t("replay_done_of", { done: one.done, of: one.of });
      await new Promise((resolve) => { setTimeout(resolve, EVERY); });
      if (!bar.isConnected) return;
      one = await replayed(one.id);
    }
    if (one.trouble) throw new Refused(0, { detail: one.trouble }, "");
    const { totals } = one;
    state.textContent = t("replay_said", { done: one.done, lost: totals.lost, gained: totals.gained, changed: totals.changed + totals.asked_more });
    said.replaceChildren(
      ...KINDS.filter((kind) => one[kind].length).flatMap((kind) => [el("h3", {}, t(`replay_${kind}`)), people(kind, one[kind])]).flat(),
      ...COUNTS.filter((kind) => one[kind].length).flatMap((kind) => [el("h3", {}, t(`replay_by_${kind}`)), counts(kind, one[kind])]));
  }

  return el("section", { class: "card whole" }, el("h2", {}, t("replay")), el("p", { class: "hint" }, t("replay_hint")), hours, el("div", { class: "acts" }, go), bar, state, said);
}

const people = (kind, all) => [
  table(t(`replay_${kind}`), [
    [t("person"), (one) => (one.sub ? who(one.sub) : t("nobody_signed_in"))],
    [t("roles"), (one) => one.roles.join(", ") || "–"],
    [t("request"), (one) => [el("code", {}, [one.method, one.path].filter(Boolean).join(" ")), el("small", {}, one.zone)]],
    [t("was"), (one) => effect(one.was)],
    [t("would_be"), (one) => effect(one.would_be)],
    [t("times"), (one) => String(one.count)],
    [t("example"), (one) => link(`/decisions/${one.example}`, t("explain"))],
  ], all.slice(0, MOST), ""),
  all.length > MOST ? el("p", { class: "muted" }, t("and_more", { count: all.length - MOST })) : "",
];

// How many requests of each person, role or zone.
const counts = (kind, all) => table(t(`replay_by_${kind}`), [
  [t("name"), (one) => (kind === "people" ? who(one.name) : one.name || "–")],
  [t("replay_lost"), (one) => String(one.lost)],
  [t("replay_gained"), (one) => String(one.gained)],
  [t("replay_changed"), (one) => String(one.changed + one.asked_more)],
], all.slice(0, MOST), "");

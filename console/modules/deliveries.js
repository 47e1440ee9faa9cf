// What was told, or could not be: mails, back-channel logouts, shared signals.

import { act } from "console/act";
import { badge, el, link } from "console/dom";
import { CHANNELS, deliveries, retryDelivery } from "console/identity";
import { list } from "console/list";
import { word } from "console/object";
import { ago, moment, t } from "console/words";

const KINDS = { dead: "danger", waiting: "warning", delivered: "success" };

const shown = list(document.getElementById("view"), {
  name: t("deliveries"),
  load: deliveries,
  live: true,
  key: (one) => `${one.channel} ${one.id}`,
  filters: [
    ["state", t("state"), Object.keys(KINDS).map((state) => [state, t(`delivery_${state}`)])],
    ["channel", t("channel"), CHANNELS.map((channel) => [channel, t(`channel_${channel}`)])],
  ],
  columns: [
    [t("what"), (one) => [word("notice", one.kind), el("small", {}, el("code", {}, one.correlation_id))]],
    [t("to"), (one) => [one.user_id ? link(`/people/${one.user_id}`, one.display_name || t("unknown")) : "", one.client_id ? el("small", {}, one.client_id) : ""]],
    [t("state"), (one) => badge(KINDS[one.state], t(`delivery_${one.state}`))],
    [t("attempts"), (one) => String(one.attempts)],
    [t("created"), (one) => el("time", { datetime: one.created_at, title: moment(one.created_at) }, ago(one.created_at))],
    [t("problem"), (one) => one.problem || "–"],
    [t("acts"), (one) => (one.may_retry ? act({
      label: t("retry"),
      about: word("notice", one.kind),
      dangerous: false,
      happens: () => t("retry_happens"),
      done: () => t("retry_done"),
      run: async (why) => { await retryDelivery(one, why); await shown.refresh(); },
    }) : "–")],
  ],
});

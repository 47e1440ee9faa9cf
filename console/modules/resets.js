// Resets of people who lost every factor: what one administrator asked for, and another agrees to.

import { badge, el, link } from "console/dom";
import { resets } from "console/identity";
import { list } from "console/list";
import { word } from "console/object";
import { RESETS, resetActs } from "console/resetting";
import { ago, moment, t } from "console/words";

const shown = list(document.getElementById("view"), {
  name: t("resets"),
  load: resets,
  live: true,
  key: (one) => one.id,
  empty: t("no_resets"),
  filters: [["state", t("state"), [["", t("all")], ...Object.keys(RESETS).map((state) => [state, word("reset", state)])]]],
  columns: [
    [t("person"), (one) => link(`/people/${one.person.id}`, one.person.display_name)],
    [t("state"), (one) => badge(RESETS[one.state], word("reset", one.state))],
    [t("reason"), (one) => one.why],
    [t("by"), (one) => [link(`/people/${one.asked_by.id}`, one.asked_by.display_name), one.decided_by ? el("small", {}, one.decided_by.display_name) : ""]],
    [t("at"), (one) => el("time", { datetime: one.asked_at, title: moment(one.asked_at) }, ago(one.asked_at))],
    [t("ends"), (one) => el("time", { datetime: one.expires_at, title: moment(one.expires_at) }, ago(one.expires_at))],
    [t("acts"), (one) => resetActs(one, () => shown.refresh())],
  ],
});

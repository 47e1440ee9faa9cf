// The policy's releases: every version with who made it and why, drafts to go on with, and the log of all that was done.

import { act } from "console/act";
import { badge, el, link } from "console/dom";
import { list } from "console/list";
import { KINDS, draftOf } from "console/drafts";
import { word } from "console/object";
import { current, history, versions } from "console/policy";
import { who } from "console/who";
import { ago, moment, t } from "console/words";

const MOST = 3;
const DIFFERING = ["drafted", "edited", "published", "rolled_back"];
const root = document.getElementById("view");
const log = el("section", {}, el("h2", {}, t("history")));

root.append(el("div", { class: "acts above" }, act({
  label: t("new_draft"),
  dangerous: false,
  happens: () => t("new_draft_happens"),
  done: () => t("new_draft_done"),
  run: async (why) => location.assign(`/policy/${await draftOf((await current()), why)}/edit`),
})));
list(root, {
  name: t("versions"),
  load: versions,
  key: (one) => one.number,
  columns: [
    [t("version"), (one) => link(`/policy/${one.number}`, t("version_number", { number: one.number }))],
    [t("state"), (one) => badge(KINDS[one.state] ?? "information", t(`version_${one.state}`))],
    [t("reason"), (one) => [one.why, one.restores ? el("small", {}, t("restores", { number: one.restores })) : ""]],
    [t("by"), (one) => who(one.author)],
    [t("created"), (one) => el("time", { datetime: one.created_at, title: ago(one.created_at) }, moment(one.created_at))],
    [t("published_at"), (one) => moment(one.published_at) || "–"],
    [t("acts"), (one) => (one.state === "draft" ? link(`/policy/${one.number}/edit`, t("edit")) : "–")],
  ],
});
root.append(log);
list(log, {
  name: t("history"),
  load: history,
  key: (one) => `${one.at} ${one.act} ${one.version}`,
  empty: t("no_history"),
  columns: [
    [t("at"), (one) => el("time", { datetime: one.at, title: ago(one.at) }, moment(one.at))],
    [t("what"), (one) => word("released", one.act)],
    [t("version"), (one) => link(`/policy/${one.version}`, t("version_number", { number: one.version }))],
    [t("by"), (one) => who(one.who)],
    [t("reason"), (one) => one.why || "–"],
    [t("difference"), (one) => [
      ...Object.entries(one.details.changes ?? {}).map(([part, found]) => el("small", {}, Object.entries(found).map(([change, { count, ids }]) =>
        `${word("part_of_policy", part)} ${t(`change_${change}`)} ${count}: ${ids.slice(0, MOST).join(", ")}${count > MOST ? " …" : ""}`).join("; "))),
      DIFFERING.includes(one.act) ? link(`/policy/${one.version}${one.details.replaces ? `?against=${one.details.replaces}` : ""}#difference`, t("show_difference")) : "–"]],
  ],
});

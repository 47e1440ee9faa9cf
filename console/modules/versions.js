// Every version of the policy: who made it, and why.

import { badge, el, link } from "console/dom";
import { list } from "console/list";
import { versions } from "console/policy";
import { ago, moment, t } from "console/words";

const KINDS = { published: "success", draft: "information", retired: "warning" };

list(document.getElementById("view"), {
  name: t("versions"),
  load: versions,
  key: (one) => one.number,
  columns: [
    [t("version"), (one) => link(`/policy/${one.number}`, t("version_number", { number: one.number }))],
    [t("state"), (one) => badge(KINDS[one.state] ?? "information", t(`version_${one.state}`))],
    [t("reason"), (one) => [one.why, one.restores ? el("small", {}, t("restores", { number: one.restores })) : ""]],
    [t("by"), (one) => one.author],
    [t("created"), (one) => el("time", { datetime: one.created_at, title: ago(one.created_at) }, moment(one.created_at))],
    [t("published_at"), (one) => moment(one.published_at) || "–"],
  ],
});

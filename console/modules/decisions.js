// What was decided of the last days, each to be explained.

import { el, link } from "console/dom";
import { effect, EFFECTS } from "console/explanation";
import { list } from "console/list";
import { decisions, zoneMap } from "console/policy";
import { who } from "console/who";
import { ago, moment, t } from "console/words";

const root = document.getElementById("view");

async function zones() {
  const all = [["", t("all")]];
  try {
    return [...all, ...(await zoneMap()).zones.map(({ name }) => [name, name])];
  } catch {
    return all;
  }
}

root.append(el("div", { class: "acts above" }, el("a", { class: "button", href: "/explain" }, t("ask_made_up"))));
list(root, {
  name: t("decisions"),
  load: decisions,
  live: true,
  key: (one) => one.id,
  filters: [
    ["sub", t("person_id")],
    ["zone", t("zone"), await zones()],
    ["effect", t("answer"), [["", t("all")], ...Object.keys(EFFECTS).map((one) => [one, t(`effect_${one}`)])]],
  ],
  columns: [
    [t("at"), (one) => link(`/decisions/${one.id}`, el("time", { datetime: one.at, title: ago(one.at) }, moment(one.at)))],
    [t("answer"), (one) => effect(one.effect)],
    [t("request"), (one) => [el("code", {}, `${one.method} ${one.path}`), el("small", {}, one.zone)]],
    [t("person"), (one) => (one.sub ? who(one.sub) : t("nobody_signed_in"))],
    [t("rule"), (one) => (one.winner ? el("code", {}, one.winner) : "–")],
    [t("risk"), (one) => String(one.risk ?? "–")],
  ],
});

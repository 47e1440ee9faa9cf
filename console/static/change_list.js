// What stands otherwise in one text of rules than in another.

import { badge, el } from "console/dom";
import { things } from "console/object";
import { t } from "console/words";

export const CHANGES = { added: "success", removed: "danger", changed: "warning" };
const MOST = 50;

export const changed = (change) => badge(CHANGES[change] ?? "information", t(`change_${change}`));

// `undo`: takes one of them back; left out where nothing can be taken back.
export function changeList(found, empty, undo) {
  return [
    things(found.slice(0, MOST), empty, (one) => [
      changed(one.change), " ",
      one.before ? el("del", {}, one.before) : "", one.before && one.after ? el("br") : "", one.after ? el("ins", {}, one.after) : "",
      undo ? el("div", { class: "acts" }, el("button", { type: "button", "aria-label": t("undo_named", { name: one.key.replace(/^p /, "") }), onclick: () => undo(one) }, t("undo"))) : "",
    ]),
    found.length > MOST ? el("p", { class: "muted" }, t("and_more", { count: found.length - MOST })) : "",
  ];
}

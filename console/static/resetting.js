// What can be done with a reset as it stands now: whoever asked withdraws it, another administrator agrees or refuses.

import { act } from "console/act";
import { el } from "console/dom";
import { decideReset } from "console/identity";
import { t } from "console/words";

export const RESETS = { asked: "warning", approved: "success", refused: "information", used: "success", stopped: "danger", lapsed: "information" };

export function resetActs(one, after) {
  if (one.state !== "asked" && one.state !== "approved") return "–";
  const name = one.person.display_name;
  return el("div", { class: "acts" }, (one.may_approve ? ["approve", "refuse"] : ["refuse"]).map((what) => act({
    label: t(`reset_act_${what}`),
    about: name,
    happens: () => t(`reset_happens_${what}`, { name, by: one.asked_by.display_name }),
    done: () => t(`reset_done_${what}`),
    run: async (why) => { await decideReset(one, what, why); await after(); },
  })));
}

// What can be done with somebody's wish for a role, as it stands now: nobody decides about their own, or takes back
// another's. For all else the API says no to whoever may not.

import { act } from "console/act";
import { el } from "console/dom";
import { decideElevation } from "console/policy";
import { me, moment, t } from "console/words";

export const ELEVATIONS = { asked: "warning", approved: "success", refused: "danger", withdrawn: "information", ended: "information", expired: "information" };
const POSSIBLE = { asked: (own) => (own ? ["withdraw"] : ["approve", "refuse"]), approved: () => ["end"] };

export const minutes = (seconds) => t("for_minutes", { minutes: Math.round(seconds / 60) });

export const span = (one) => (one.starts_at ? `${moment(one.starts_at)} – ${moment(one.ends_at)}` : minutes(one.seconds));

export function elevationActs(one, after) {
  const possible = POSSIBLE[one.state]?.(one.sub === me) ?? [];
  if (!possible.length) return "–";
  return el("div", { class: "acts" }, possible.map((name) => act({
    label: t(`elevation_act_${name}`),
    about: one.role,
    dangerous: name !== "approve",
    happens: () => t(`elevation_happens_${name}`, { role: one.role, span: minutes(one.seconds) }),
    done: () => t(`elevation_done_${name}`, { role: one.role }),
    run: async (why) => { await decideElevation(one.id, name, why); await after(); },
  })));
}

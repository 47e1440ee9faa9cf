// The API of people, sessions, organisations and deliveries: the only module that knows its addresses.

import { ask } from "console/api";
import { t } from "console/words";

const BASE = "/api/identity";
const send = (path, body, method = "POST") => ask(`${BASE}${path}`, { method, body });
const page = async (path, items, query) => {
  const answer = await ask(`${BASE}${path}`, { query });
  return { items: answer[items], next: answer.next ?? null };
};

export const sessions = (query) => page("/sessions", "sessions", query);
export const session = (sid) => ask(`${BASE}/sessions/${encodeURIComponent(sid)}`);
export const endSession = (sid, why) => send(`/sessions/${encodeURIComponent(sid)}/end`, { why });
export const people = (query) => page("/people", "people", query);
export const person = (id) => ask(`${BASE}/people/${id}`);
export const signIns = (id, query) => page(`/people/${id}/sign-ins`, "sign_ins", query);
export const lock = ({ id, version }, why) => send(`/people/${id}/lock`, { version, why });
export const unlock = ({ id, version }, why) => send(`/people/${id}/unlock`, { version, why });
export const askReset = ({ id, version }, why) => send(`/people/${id}/resets`, { version, why });
export const resets = (query) => page("/resets", "resets", query);
export const decideReset = ({ id, version }, what, why) => send(`/resets/${id}/${what}`, { version, why });
export const organisations = () => page("/organisations", "organisations");
export const organisation = (id) => ask(`${BASE}/organisations/${id}`);
export const changes = (id, query) => page(`/organisations/${id}/changes`, "changes", query);
export const changeOrganisation = (id, wanted) => send(`/organisations/${id}`, wanted, "PUT");
export const deliveries = ({ channel, ...query }) => page(`/deliveries/${channel || CHANNELS[0]}`, "deliveries", query);
export const retryDelivery = ({ channel, id }, why) => send(`/deliveries/${channel}/${id}/retry`, { why });

export const CHANNELS = ["mail", "logout", "signal"];

// For a filter; where they cannot be told, there is nothing to choose.
export async function organisationChoices() {
  const all = [["", t("all")]];
  try {
    return [...all, ...(await organisations()).items.map(({ id, name }) => [id, name])];
  } catch {
    return all;
  }
}

// The API of how an organisation's people prove who they are: the only module that knows its addresses.

import { ask, exchange } from "console/api";

const at = (id) => `/api/identity/organisations/${id}/authentication`;

// What is said, with the mark that a change of it names.
export const rules = (id) => exchange(at(id));
export const changeRules = (id, body, etag) => exchange(at(id), { method: "PUT", body, headers: { "if-match": etag } });
export const reachOf = (id, body) => ask(`${at(id)}/reach`, { method: "POST", body });
export const models = (name) => ask("/api/identity/key-models", { query: { name, limit: 200 } });
export async function suspectKeys(id, query) {
  const { keys, next } = await ask(`/api/identity/organisations/${id}/suspect-keys`, { query });
  return { items: keys, next: next ?? null };
}

export const METHODS = ["attested_passkey", "device_passkey", "synced_passkey", "push", "totp", "sms", "email", "upstream"];
export const REACH_THREE = ["attested_passkey", "device_passkey"];
export const WAYS = ["passkey", "push", "totp", "sms", "email", "link"];

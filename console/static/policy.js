// The API of the policy: the only module that knows its addresses.

import { ask, exchange } from "console/api";

const BASE = "/api/policy";
const get = (path, query) => ask(`${BASE}${path}`, { query });
const send = (path, body, method = "POST") => ask(`${BASE}${path}`, { method, body });
const held = (path, etag, method, body) => exchange(`${BASE}${path}`, { method, body, headers: { "if-match": etag } });
const taken = (path, why) => ask(`${BASE}${path}`, { method: "DELETE", query: { why } });
const page = async (path, items, query) => {
  const answer = await get(path, query);
  return { items: answer[items], next: answer.next ?? null };
};
const own = encodeURIComponent;

// Versions and drafts.

export async function versions({ after, limit } = {}) {
  const { versions: items, next_before: next } = await get("/versions", { before: after, limit });
  return { items, next };
}
export const current = () => get("/current");
export const version = (number) => exchange(`${BASE}/versions/${number}`);
export const publish = (number, asked) => send(`/versions/${number}/publish`, asked);
export const rollBack = (number, asked) => send("/rollback", { to: Number(number), ...asked });
export const newDraft = (draft) => send("/drafts", draft);
export const saveDraft = (number, draft, etag) => held(`/versions/${number}`, etag, "PUT", draft);
export const withdrawDraft = (number, why, etag) => held(`/versions/${number}?${new URLSearchParams({ why })}`, etag, "DELETE");
export const lint = async (draft) => (await send("/lint", draft)).findings;
export const tryTests = (draft) => send("/test", draft);
export const runTests = (number) => send(`/versions/${number}/test`);
export const difference = (number, against) => get(`/versions/${number}/difference`, { against });
export const history = (query) => page("/history", "entries", query);
export const shadow = (number) => get(`/versions/${number}/shadow`);
export const beginShadow = (number, why) => send(`/versions/${number}/shadow`, { why });
export const endShadow = (number, why) => taken(`/versions/${number}/shadow`, why);
export const approve = (number, why, etag) => held(`/versions/${number}/approval`, etag, "POST", { why });
export const takeApprovalBack = (number, why) => taken(`/versions/${number}/approval`, why);
export const rules = (number, query) => page(`/versions/${number}/rules`, "rules", query);

// What was decided, and what would be.

export const decisions = (query) => page("/decisions", "decisions", query);
export const explanation = (id, by) => get(`/decisions/${own(id)}/explanation`, { version: by });
export const explain = (request, by) => send("/explain", by ? { request, version: Number(by) } : { request });
export const replay = (number, asked) => send(`/versions/${number}/replays`, asked);
export const replayed = (id) => get(`/replays/${own(id)}`);

// Zones, roles, and what moves while the policy stands.

export const zoneMap = () => get("/zones/map");
export const zoneMapPicture = (lang) => `${BASE}/zones/map.svg?lang=${lang}`;
export async function assignments(draft, query) {
  const { said, etag } = await exchange(`${BASE}${draft ? `/versions/${own(draft)}` : ""}/assignments`, { query });
  return { items: said.assignments, next: said.next, etag };
}
export const assign = (draft, etag, assignment, why) => held(`/versions/${own(draft)}/assignments`, etag, "POST", { why, assignment });
export const takeRole = (draft, etag, { id }, why) => held(`/versions/${own(draft)}/assignments/${own(id)}?${new URLSearchParams({ why })}`, etag, "DELETE");
export const elevations = (query) => page("/elevations", "elevations", query);
export const askable = async () => (await get("/elevations/roles")).roles;
export const elevation = (id) => get(`/elevations/${own(id)}`);
export const askElevation = (asked) => send("/elevations", asked);
export const decideElevation = (id, act, why) => send(`/elevations/${own(id)}/${act}`, { why });
export const measures = (query) => page("/measures", "measures", query);
export const measure = (id) => get(`/measures/${own(id)}`);
export const takeMeasure = (asked) => send("/measures", asked);
export const liftMeasure = (id, why) => send(`/measures/${own(id)}/lift`, { why });

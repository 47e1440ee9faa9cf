// The admin policy API.

import { ask } from "console/api";

const BASE = "/api/policy";

export async function versions({ after, limit }) {
  const { versions: items, next_before: next } = await ask(`${BASE}/versions`, { query: { before: after, limit } });
  return { items, next };
}
export const version = (number) => ask(`${BASE}/versions/${number}`);
export const publish = (number, why) => ask(`${BASE}/versions/${number}/publish`, { method: "POST", body: { why } });
export const rollBack = (number, why) => ask(`${BASE}/rollback`, { method: "POST", body: { to: Number(number), why } });

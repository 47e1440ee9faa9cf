// The API of how people sign in, of programmes under way and of support: the only module that knows its addresses.

import { ask } from "console/api";
import { locale, t } from "console/words";

const BASE = "/api/identity";
const send = (path, body) => ask(`${BASE}${path}`, { method: "POST", body });
const page = async (path, items, query) => {
  const answer = await ask(`${BASE}${path}`, { query });
  return { items: answer[items], next: answer.next ?? null };
};

export const analysis = (query) => ask(`${BASE}/analysis`, { query });
export const analysisPaper = (query) => `${BASE}/analysis.pdf?${new URLSearchParams({ ...query, locale })}`;
export const signInDays = (query) => ask(`${BASE}/sign-in-days`, { query });
export const feedback = (query) => page("/feedback", "feedback", query);
export const marks = (query) => ask(`${BASE}/feedback/marks`, { query });
export const progress = (id) => ask(`${BASE}/programmes/${id}/progress`);
export const stuck = (id, phase, query) => page(`/programmes/${id}/phases/${phase}/stuck`, "stuck", query);
export const comparison = (id, phase) => ask(`${BASE}/programmes/${id}/phases/${phase}/comparison`);
export const report = (id) => ask(`${BASE}/programmes/${id}/report`);
export const reportPaper = (id) => `${BASE}/programmes/${id}/report.pdf?${new URLSearchParams({ locale })}`;
export const exceptionsAsked = (id, query) => page(`/programmes/${id}/exception-requests`, "requests", query);
export const decide = (id, request, grant, why) => send(`/programmes/${id}/exception-requests/${request}/decide`, { why, grant });
export const supportedPeople = (query) => (query.name ? page("/support/people", "people", query) : { items: [], next: null });
export const supported = (id) => ask(`${BASE}/support/people/${id}`);
export const sendRecovery = (id, why) => send(`/support/people/${id}/recovery`, { why });
export const sendReminder = (id, phase, why) => send(`/support/people/${id}/reminder`, { why, phase_id: phase });
export const askException = (id, phase, until, why) => send(`/support/people/${id}/exception-request`, { why, phase_id: phase, until });

const numbers = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
const days = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" });
export const number = (value) => numbers.format(value);
// A small share keeps one decimal, so that it does not become nothing.
export const percent = (share) => `${share > 0 && share < 0.1 ? (share * 100).toFixed(1) : Math.round(share * 100)}%`;
export const seconds = (value) => (value === null || value === undefined ? "–" : t("seconds_of", { seconds: number(value) }));
export const day = (iso) => (iso ? days.format(new Date(`${iso.slice(0, 10)}T00:00:00Z`)) : "–");
export const named = (names) => names[locale] ?? Object.values(names)[0] ?? "";

// What a finding or an advice says: its values as people read them.
export function told(values) {
  const said = {};
  for (const [name, value] of Object.entries(values)) {
    if (name === "share") said.share = percent(value);
    else if (name === "method") said.method = t(`way_in_${value}`);
    else if (name === "why") said.why = t(`failure_${value}`);
    else if (name.startsWith("name_")) said.name = values[`name_${locale}`] ?? value;
    else said[name] = typeof value === "number" ? number(value) : value || "–";
  }
  return said;
}

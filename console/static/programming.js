// The API of programmes, and what their phases are called; the only module that knows its addresses.

import { ask } from "console/api";

const BASE = "/api/identity/programmes";
const send = (path, body, method = "POST") => ask(`${BASE}${path}`, { method, body });
const page = async (path, items, query) => {
  const answer = await ask(`${BASE}${path}`, { query });
  return { items: answer[items], next: answer.next ?? null };
};
const of = (programme, phase) => `/${programme.id}/phases/${phase.id}`;

export const programmes = (query) => page("", "programmes", query);
export const programme = (id) => ask(`${BASE}/${id}`);
export const makeProgramme = (wanted) => send("", wanted);
export const startProgramme = ({ id, version }, why) => send(`/${id}/start`, { version, why });
export const takeOn = (programme, phase, act, why, share) =>
  send(`${of(programme, phase)}/acts/${act}`, { version: phase.version, why, ...(share ? { share } : {}) });
export const reach = (programme, phase, limit) => ask(`${BASE}${of(programme, phase)}/preview`, { query: { limit } });
export const phaseEvents = (programme, phase, query) => page(`${of(programme, phase)}/events`, "events", query);
// `If-Match` is the version that was read, as the API marks it.
const put = (path, body) =>
  ask(`${BASE}${path}`, { method: "PUT", body, headers: body.version ? { "if-match": `"${body.version}"` } : {} });
export const changePhase = (programme, phase, wanted) => put(of(programme, phase), { ...wanted, version: phase.version });
export const changeWords = ({ id, version }, wanted) => put(`/${id}`, { ...wanted, version });
export const putCohort = (programme, cohort, wanted) =>
  cohort ? put(`/${programme.id}/cohorts/${cohort.id}`, wanted) : send(`/${programme.id}/cohorts`, wanted);
export const previewOf = (programme, rule, limit) => ask(`${BASE}/${programme.id}/preview`, { query: { rule, limit } });
export const previewNotices = (programme, phase, texts) =>
  ask(`${BASE}/${programme.id}/notices/preview`, { method: "POST", body: { phase_id: phase.id, texts } });
export const exceptions = (programme, query) => page(`/${programme.id}/exceptions`, "exceptions", query);
export const grant = (programme, wanted) => send(`/${programme.id}/exceptions`, wanted);
export const withdraw = (programme, one, why) => send(`/${programme.id}/exceptions/${one.id}/withdraw`, { why });

export const STATES = {
  draft: "information", announced: "information", piloting: "warning", running: "warning", enforced: "success",
  finished: "success", paused: "danger", rolled_back: "danger",
};
export const DATES = ["announce", "begin", "enforce", "end"];
export const METHODS = ["passkey", "push", "totp", "sms", "link"];
// While what a phase asks for, and of whom, may be written anew.
export const CHANGEABLE = ["draft", "announced", "paused"];
// Felt by many at once: the page asks before it, in red.
export const DANGEROUS = ["enforce", "widen", "roll_back"];

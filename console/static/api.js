// The APIs of this host, in the person's own session. A request that needs a stronger sign-in is held by session.js,
// which asks for it in a dialog and then sends the request again.

import { codes, t } from "console/words";
import { el, link } from "console/dom";

const MOST = 10;
const HELP = "/.munjigi/help/";
// by what was asked: if the answer was lost, or is still to come, the same act asked again is done once
const unanswered = new Map();
const LOST = [502, 503, 504];
const UNDER_WAY = "MJ-POLICY-036";

export class Refused extends Error {
  constructor(status, problem, reference) {
    super(problem.title ?? String(status));
    Object.assign(this, { status, code: problem.code ?? "", detail: problem.detail ?? "", faults: problem.errors ?? [], reference });
  }
}

export const ask = async (path, given) => (await exchange(path, given)).said;

// What was said, and the mark of its state (`If-Match` of whoever changes it).
export async function exchange(path, { method = "GET", body, query = {}, headers = {} } = {}) {
  const wanted = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined));
  const address = wanted.size ? `${path}?${wanted}` : path;
  const text = body === undefined ? undefined : JSON.stringify(body);
  const sent = { accept: "application/json", ...headers };
  const act = `${address} ${text}`;
  if (text !== undefined) sent["content-type"] = "application/json";
  if (method === "POST") {
    if (!unanswered.has(act)) unanswered.set(act, crypto.randomUUID());
    sent["idempotency-key"] = unanswered.get(act);
  }
  let answer;
  try {
    answer = await fetch(address, { method, headers: sent, body: text });
  } catch {
    throw new Refused(0, {}, "");
  }
  if (!LOST.includes(answer.status)) unanswered.delete(act);
  if (answer.status === 204) return { said: null, etag: answer.headers.get("etag") };
  const said = await answer.json().catch(() => ({}));
  if (said.code === UNDER_WAY) unanswered.set(act, sent["idempotency-key"]);
  if (!answer.ok) throw new Refused(answer.status, said, said.correlation_id ?? answer.headers.get("munjigi-correlation-id") ?? "");
  return { said, etag: answer.headers.get("etag") };
}

// What went wrong, in the catalogue's words, with the way to its help page.
export function refusal(error) {
  if (!(error instanceof Refused)) throw error;
  const [happened, todo] = codes[error.code] ?? [t(error.status ? "failed" : "unreachable"), error.detail];
  const help = error.code && link(`${HELP}${error.code}?ref=${encodeURIComponent(error.reference)}`, t("help"));
  const faults = error.faults.slice(0, MOST).map(({ message, rule }) => el("li", {}, rule ? el("code", {}, `${rule} `) : "", message));
  return el("div", { class: "notice danger", role: "alert" },
    el("strong", {}, happened), " ", todo, " ", codes[error.code] && error.detail ? [el("code", {}, error.detail), " "] : "", help || "", error.code ? el("code", {}, ` ${error.code} ${error.reference}`) : "",
    faults.length ? el("ul", {}, faults) : "");
}

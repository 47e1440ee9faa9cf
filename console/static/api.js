// The APIs of this host, in the person's own session. A request that needs a stronger sign-in is held by session.js,
// which asks for it in a dialog and then sends the request again.

import { codes, t } from "console/words";
import { el, link } from "console/dom";

const HELP = "/.munjigi/help/";

export class Refused extends Error {
  constructor(status, problem, reference) {
    super(problem.title ?? String(status));
    Object.assign(this, { status, code: problem.code ?? "", detail: problem.detail ?? "", reference });
  }
}

export async function ask(path, { method = "GET", body, query = {} } = {}) {
  const wanted = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined));
  const address = wanted.size ? `${path}?${wanted}` : path;
  const headers = { accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  let answer;
  try {
    answer = await fetch(address, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw new Refused(0, {}, "");
  }
  if (answer.status === 204) return null;
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, said, said.correlation_id ?? answer.headers.get("munjigi-correlation-id") ?? "");
  return said;
}

// What went wrong, in the catalogue's words, with the way to its help page.
export function refusal(error) {
  if (!(error instanceof Refused)) throw error;
  const [happened, todo] = codes[error.code] ?? [t(error.status ? "failed" : "unreachable"), error.detail];
  const help = error.code && link(`${HELP}${error.code}?ref=${encodeURIComponent(error.reference)}`, t("help"));
  return el("div", { class: "notice danger", role: "alert" },
    el("strong", {}, happened), " ", todo, " ", help || "", error.code ? el("code", {}, ` ${error.code} ${error.reference}`) : "");
}

// What is wrong with a draft and what its tests say, asked while somebody types; nothing is saved by it.

import { Refused } from "console/api";
import { lint, tryTests } from "console/policy";

export const PAUSE = 600;
const LIVE = 5_000;

// what keeps a draft from being published, but not its tests from being run
const LATER = ["test_failed", "zone_shut", "programs_shut_out"];

export const refuses = (finding) => finding.severity !== "warning";

// Asks again after each pause in typing; a long draft only when `now` is called.
export function checking(draft, after) {
  let waiting;
  let asked = 0;
  const live = () => draft.rules.lines <= LIVE;

  async function now() {
    clearTimeout(waiting);
    const mine = ++asked;
    after("asking");
    const found = await look(draft);
    if (mine !== asked) return;
    Object.assign(draft, found);
    after(found.error ? "failed" : "known");
  }

  draft.addEventListener("changed", () => {
    clearTimeout(waiting);
    asked += 1;
    if (live()) waiting = setTimeout(now, PAUSE);
    else after("old");
  });
  return { now, live };
}

async function look(draft) {
  let body;
  try {
    body = draft.body;
  } catch (error) {
    return { findings: [{ fault: "not_json", message: error.message, severity: "error" }], results: null, error: null };
  }
  try {
    const findings = draft.rules.placed(await lint(body));
    const results = body.tests.length && !findings.some((one) => refuses(one) && !LATER.includes(one.fault)) ? await tryTests(body) : null;
    return { findings, results, error: null };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return error.faults.length ? { findings: draft.rules.placed(error.faults), results: null, error: null } : { findings: [], results: null, error };
  }
}

// People by their names: each is asked for once, and whoever cannot be told stays an id.

import { el, link } from "console/dom";
import { person } from "console/identity";

const PERSON = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const names = new Map();

export function who(sub) {
  if (!sub) return "–";
  if (!PERSON.test(sub)) return el("code", {}, sub);
  const shown = link(`/people/${sub}`, sub.slice(0, 8));
  if (!names.has(sub)) names.set(sub, person(sub).then((one) => one.display_name, () => ""));
  names.get(sub).then((name) => { if (name) shown.textContent = name; });
  return shown;
}

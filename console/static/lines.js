// Lines of a Casbin policy, with CSV's quotes: the same reading and writing as the policy service's own.

export const FIELDS = ["priority", "id", "role", "organisation", "zone", "path", "methods", "condition", "effect", "obligations"];
const QUOTED = /[",\r\n]/;

// The values of one line; null: a comment, nothing, or quotes that do not end.
export function values(line) {
  const begin = line.trimStart();
  if (!begin || begin.startsWith("#")) return null;
  if (!line.includes('"')) return line.split(",").map((value) => value.trim());
  const found = [];
  for (let at = 0; ;) {
    while (line[at] === " ") at += 1;
    let value = "";
    if (line[at] === '"') {
      for (at += 1; ; at += 1) {
        if (at >= line.length) return null;
        if (line[at] !== '"') value += line[at];
        else if (line[at + 1] === '"') value += line[at += 1];
        else break;
      }
      const end = line.indexOf(",", at);
      at = end < 0 ? line.length : end;
    } else {
      const end = line.indexOf(",", at);
      value = line.slice(at, end < 0 ? line.length : end);
      at = end < 0 ? line.length : end;
    }
    found.push(value.trim());
    if (at >= line.length) return found;
    at += 1;
  }
}

export const written = (list) => list.map((value) => (QUOTED.test(value) ? `"${value.replaceAll('"', '""')}"` : value)).join(",");

// A rule, where the line is one.
export function rule(line) {
  const found = values(line);
  if (found?.[0] !== "p" || found.length !== FIELDS.length + 1) return null;
  const [, priority, id, role, organisation, zone, path, methods, condition, effect, obligations] = found;
  return { priority, id, role, organisation, zone, path, methods, condition, effect, obligations };
}

export const lineOf = (one) => written(["p", ...FIELDS.map((name) => String(one[name] ?? ""))]);

// What a line says, however it is spaced; and by what it is told from others: the id of a rule, or all of it.
export const said = (line) => (values(line) ?? []).join("\u0000");
export function mark(line) {
  const found = values(line);
  return found && (found[0] === "p" ? `p ${found[2] ?? ""}` : found.join(" "));
}

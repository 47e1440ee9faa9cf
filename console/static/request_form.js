// A made-up request: what is left open is unknown, and unknown never helps.

import { choice, el, field } from "console/dom";
import { t } from "console/words";

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
const LEVELS = ["0", "1", "2", "3"];
const TRUSTS = ["", "1", "2", "3"];
const TRUST_NAMES = ["unknown", "known", "registered", "attested"];
const MINUTE = 60;
const words = { autocomplete: "off", spellcheck: "false", maxlength: "1000" };

// The fields; `given`: a request that fills them.
export function requestFields({ zones = [], given = {} } = {}) {
  const { subject = {}, facts = {} } = given;
  const age = subject.authenticated_at && given.at ? String(Math.round((given.at - subject.authenticated_at) / MINUTE)) : "";
  return [
    el("fieldset", {}, el("legend", {}, t("request")), el("div", { class: "fields" },
      choice("method", t("method"), METHODS.map((one) => [one, one]), given.method ?? "GET"),
      field("path", t("path"), { ...words, required: true, value: given.path ?? "/", pattern: "/.*" }),
      zones.length ? choice("zone", t("zone"), zones.map((one) => [one, one]), given.zone ?? zones[0]) : field("zone", t("zone"), { ...words, required: true, value: given.zone ?? "" }))),
    el("fieldset", {}, el("legend", {}, t("caller")), el("div", { class: "fields" },
      field("roles", t("roles"), { ...words, value: (subject.roles ?? []).join(", ") }),
      field("organisation", t("organisation"), { ...words, value: subject.organisation ?? "" }),
      field("subject", t("person_id"), { ...words, value: subject.id ?? "" }),
      choice("assurance", t("strength"), LEVELS.map((level) => [level, t(`assurance_${level}`)]), String(subject.assurance ?? 0)),
      field("age", t("signed_in_minutes"), { type: "number", min: "0", max: "100000", value: age, placeholder: t("unknown") }))),
    el("details", { open: true }, el("summary", {}, t("facts")),
      el("p", { class: "hint" }, t("facts_hint")),
      el("div", { class: "fields" },
        choice("device_trust", t("device"), TRUSTS.map((trust, index) => [trust, t(`trust_${TRUST_NAMES[index]}`)]), facts.device_trust ? String(facts.device_trust) : ""),
        field("country", t("country"), { ...words, value: facts.country ?? "", pattern: "[A-Za-z]{2}", maxlength: "2" }),
        field("network", t("network"), { ...words, value: facts.network ?? "" }),
        field("address", t("address"), { ...words, value: facts.address ?? "" }),
        choice("same", t("same_as_begun"), [["", t("unknown")], ["yes", t("yes")], ["no", t("no")]], same(facts)),
        field("at", t("at_time"), { type: "datetime-local", value: given.at ? local(given.at) : "" }))),
  ];
}

// What the fields say, in the API's form, on top of what a request `given` says beside them.
export function requestOf(form, given = {}) {
  const beside = (all, names) => Object.fromEntries(Object.entries(all ?? {}).filter(([name]) => names.includes(name)));
  const value = (name) => form.elements[name].value.trim();
  const at = value("at") ? new Date(value("at")).getTime() / 1000 : Math.floor(Date.now() / 1000);
  const roles = value("roles").split(/[\s,]+/).filter(Boolean);
  const age = value("age");
  const where = filled({ address: value("address"), country: value("country").toUpperCase(), network: value("network") });
  return {
    subject: filled({
      ...beside(given.subject, ["machine"]),
      id: value("subject") || (roles.length ? "made-up" : ""),
      organisation: value("organisation"),
      roles: roles.length ? roles : null,
      assurance: Number(value("assurance")),
      authenticated_at: age === "" ? null : at - Number(age) * MINUTE,
    }),
    facts: filled({ ...beside(given.facts, ["actor", "certificate", "certificate_name", "threats"]), ...where, device_trust: Number(value("device_trust")), ...began(value("same"), where, value("device_trust")) }),
    zone: value("zone"),
    method: value("method"),
    path: value("path"),
    at,
  };
}

const filled = (all) => Object.fromEntries(Object.entries(all).filter(([, value]) => value));

// Whether the session began on this device, in this country, at this address; what began nowhere is unknown.
function began(answer, where, trust) {
  if (!answer) return trust ? { device_id: "made-up" } : {};
  const other = answer === "no" ? "another" : null;
  return {
    device_id: "made-up",
    session_device: other ?? "made-up",
    ...(where.country ? { session_country: other ? (where.country === "KR" ? "US" : "KR") : where.country } : {}),
    ...(where.address ? { session_address: other ?? where.address } : {}),
  };
}

const same = ({ device_id: now, session_device: then }) => (!then ? "" : now === then ? "yes" : "no");

function local(seconds) {
  const at = new Date(seconds * 1000);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

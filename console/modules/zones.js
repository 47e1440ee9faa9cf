// The zones and what may flow between them, as the policy in force has them: a picture, and the same as tables.

import { refusal } from "console/api";
import { el, table } from "console/dom";
import { word } from "console/object";
import { zoneMap, zoneMapPicture } from "console/policy";
import { locale, t } from "console/words";

const TWO_FACTORS = 2;
const root = document.getElementById("view");
const said = (list) => (list.length ? list.join(", ") : "–");
const lines = (all) => (all.length ? el("ul", { class: "plain" }, all.map((text) => el("li", {}, text))) : "–");

function demands(zone) {
  return [
    word("assurance", zone.assurance),
    zone.device ? t("demands_device", { trust: word("trust", ["unknown", "known", "registered", "attested"][zone.device] ?? zone.device) }) : null,
    zone.max_age ? t("demands_max_age", { minutes: Math.round(zone.max_age / 60) }) : null,
    zone.networks.length ? t("demands_networks", { networks: zone.networks.join(", ") }) : null,
    zone.countries.length ? t("demands_countries", { countries: zone.countries.join(", ") }) : null,
    zone.hours ? t("demands_hours", { from: zone.hours[0], to: zone.hours[1] }) : null,
    zone.within ? t("demands_within", { zone: zone.within }) : null,
    zone.step_up_risk < 100 && zone.assurance < TWO_FACTORS ? t("demands_step_up", { risk: zone.step_up_risk }) : null,
    zone.max_risk < 100 ? t("demands_risk", { risk: zone.max_risk }) : null,
  ].filter(Boolean);
}

async function show() {
  const map = await zoneMap();
  root.replaceChildren(
    el("figure", { class: "zone-map" },
      el("div", { role: "region", tabindex: "0", "aria-label": t("map") },
        el("img", { src: zoneMapPicture(locale), alt: t("map_alt", { zones: map.zones.length, flows: map.flows.length }) })),
      el("figcaption", { class: "muted" }, t("map_caption"))),
    map.routes_known ? "" : el("div", { class: "notice warning" }, t("routes_unknown")),
    el("h2", {}, t("zones")),
    table(t("zones"), [
      [t("zone"), (one) => el("strong", {}, one.name)],
      [t("demands"), (one) => lines(one.in_policy ? demands(one) : [t("not_in_policy")])],
      [t("entered_by"), (one) => lines([
        ...one.entered_by.map(({ role, changes, held_by: by }) => `${role === "*" ? t("every_role") : word("role_of", role)}${by.length ? ` (${by.join(", ")})` : ""} · ${t(changes ? "may_change" : "may_read")}`),
        ...(one.more_roles ? [t("and_more", { count: one.more_roles })] : [])])],
      [t("risk_bands"), (one) => lines(one.bands.map(({ above, obligations }) => t("band_above", { above, obligations: obligations.join(", ") })))],
      [t("services"), (one) => lines([...one.upstreams, ...one.services])],
      [t("outage"), (one) => (one.outage ? word("outage", one.outage) : "–")],
    ], map.zones, t("nothing")),
    el("h2", {}, t("flows")),
    table(t("flows"), [
      [t("flow_from"), (one) => one.from],
      [t("flow_to"), (one) => one.to],
      [t("flow_by"), (one) => [said(one.by), one.certificate ? el("small", {}, t("flow_certificate")) : ""]],
      [t("methods"), (one) => (one.methods.includes("*") ? t("every_method") : one.methods.join(", "))],
      [t("stricter_in"), (one) => said(one.stricter_in.map((demand) => word("demand", demand)))],
    ], map.flows, t("no_flows")));
}

try {
  await show();
} catch (error) {
  root.replaceChildren(el("div", { class: "object" }, refusal(error)));
}

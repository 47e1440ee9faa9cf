// The zones and what may flow between them, as the policy in force has them: a picture, and the same as tables.

import { refusal } from "console/api";
import { el, table } from "console/dom";
import { word } from "console/object";
import { zoneMap, zoneMapPicture } from "console/policy";
import { locale, t } from "console/words";

const root = document.getElementById("view");
const said = (list) => (list?.length ? list.join(", ") : "–");

function demands(zone) {
  return [
    t("demands_assurance", { level: zone.assurance ?? 1 }),
    zone.device ? t("demands_device", { trust: word("trust", ["unknown", "known", "registered", "attested"][zone.device] ?? zone.device) }) : null,
    zone.max_age ? t("demands_max_age", { minutes: Math.round(zone.max_age / 60) }) : null,
    zone.networks?.length ? t("demands_networks", { networks: zone.networks.join(", ") }) : null,
    zone.countries?.length ? t("demands_countries", { countries: zone.countries.join(", ") }) : null,
    zone.hours ? t("demands_hours", { from: zone.hours[0], to: zone.hours[1] }) : null,
    zone.max_risk < 100 ? t("demands_risk", { risk: zone.max_risk }) : null,
  ].filter(Boolean);
}

async function show() {
  const map = await zoneMap();
  root.replaceChildren(
    el("figure", { class: "zone-map" },
      el("img", { src: zoneMapPicture(locale), alt: t("map_alt", { zones: map.zones.length, flows: map.flows.length }) }),
      el("figcaption", { class: "muted" }, t("map_caption"))),
    el("h2", {}, t("zones")),
    table(t("zones"), [
      [t("zone"), (one) => el("strong", {}, one.name)],
      [t("demands"), (one) => el("ul", { class: "plain" }, demands(one).map((text) => el("li", {}, text)))],
      [t("services"), (one) => said(one.services)],
      [t("outage"), (one) => (one.outage ? word("outage", one.outage) : "–")],
    ], map.zones, t("nothing")),
    el("h2", {}, t("flows")),
    table(t("flows"), [
      [t("flow_from"), (one) => one.from],
      [t("flow_to"), (one) => one.to],
      [t("flow_by"), (one) => said(one.by)],
    ], map.flows, t("no_flows")));
}

try {
  await show();
} catch (error) {
  root.replaceChildren(el("div", { class: "object" }, refusal(error)));
}

// Phases as bars over the days: from being told to the end, the part in which it can be put off lighter than the rest.

import { drawn, el } from "console/dom";
import { t } from "console/words";

const ROW = 32;
const BAR = 16;
const WIDTH = 960;
const NAMES = 320;

const at = (iso) => Date.parse(iso);

// A picture for whoever sees it; the same dates stand in the phases' own cards as text.
export function timeline(phases, name) {
  const first = Math.min(...phases.map(({ dates }) => at(dates.announce)), Date.now());
  const last = Math.max(...phases.map(({ dates }) => at(dates.end)), Date.now());
  const x = (moment) => NAMES + ((moment - first) / Math.max(1, last - first)) * (WIDTH - NAMES - 8);
  const height = phases.length * ROW + 24;
  const bar = (kind, from, to, y) => drawn("rect", { class: kind, x: x(from), y, width: Math.max(2, x(to) - x(from)), height: BAR, rx: 3 });
  const rows = phases.flatMap((phase, index) => {
    const y = index * ROW + 8;
    const { announce, begin, enforce, end } = phase.dates;
    return [
      drawn("text", { x: 0, y: y + 13, class: "name" }, name(phase)),
      drawn("g", { class: `phase ${phase.state}` },
        bar("told", at(announce), at(begin), y), bar("may", at(begin), at(enforce), y), bar("must", at(enforce), at(end), y)),
    ];
  });
  const today = x(Date.now());
  return el("figure", { class: "timeline", "aria-hidden": "true" },
    el("div", {}, drawn("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "presentation" }, ...rows,
      drawn("line", { class: "today", x1: today, x2: today, y1: 0, y2: height - 20 }),
      drawn("text", { class: "today", x: Math.min(today + 4, WIDTH - 48), y: height - 6 }, t("today")))),
    el("figcaption", {}, ["told", "may", "must"].map((kind) => el("span", { class: kind }, t(`bar_${kind}`)))));
}

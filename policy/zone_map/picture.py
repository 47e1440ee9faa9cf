"""The map as a picture: a card for each zone, one below the other, and flows as lines beside them, each in its own
lane. Every word of it is text, and its description says all of it in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape

from pages.locale import Locale
from pages.picture import MARGIN, fitted, frame, wrapped
from policy.zone_map import words
from policy.zone_map.map import MappedFlow, MappedZone, ZoneMap

CARD = 876
COLUMNS = ((20, 236), (268, 262), (542, 318))
"""Of a card's three columns: where each begins, and its width."""
TOP, BETWEEN, PADDING = 60, 28, 16
LINE, TEXT = 18, 13
LANE = 22
MOST_LINES = 14
"""Of a column; the rest is counted."""
_LIGHT = """    .zone { fill: #fff; stroke: #2456d6; stroke-width: 1.6 }
    .outside { stroke: #b3261e; stroke-dasharray: 5 4 }
    .t { font-size: 13px } .h { fill: #535d70; font-size: 12px; font-weight: 700 } .rule { stroke: #d5dbe7 }
    .n { fill: #2456d6 } .nt { fill: #fff; font-size: 11px; font-weight: 700 }
"""
_DARK = """      .zone { fill: #1a202c; stroke: #8fb0ff } .outside { stroke: #ffb4ab }
      .h { fill: #a9b3c6 } .rule { stroke: #384256 } .n { fill: #8fb0ff } .nt { fill: #10141d }
"""


@dataclass(frozen=True, slots=True)
class _Card:
    zone: MappedZone
    columns: tuple[tuple[str, list[str]], ...]
    below: list[str]
    """Lines over the whole width."""
    y: float

    @property
    def height(self) -> float:
        lines = max(len(lines) for _, lines in self.columns)
        return PADDING + 26 + (lines + 1) * LINE + (14 + len(self.below) * LINE if self.below else 0) + PADDING


def draw(shown: ZoneMap, locale: Locale) -> str:
    """The SVG, readable in light and dark, in one language."""
    cards = list(_cards(shown, locale))
    by_name = {card.zone.name: card for card in cards}
    bottom = cards[-1].y + cards[-1].height if cards else TOP
    width = MARGIN + CARD + LANE * (len(shown.flows) + 1) + MARGIN
    return frame(
        [
            *(_card(card, locale) for card in cards),
            *(_flow(flow, number, by_name, locale) for number, flow in enumerate(shown.flows, start=1)),
        ],
        title=words.TITLE[locale],
        about=description(shown, locale),
        width=width,
        height=bottom + MARGIN,
        light=_LIGHT,
        dark=_DARK,
        language=locale,
        role="graphics-document document",
    )


def description(shown: ZoneMap, locale: Locale) -> str:
    """All that the picture shows, as sentences."""
    said = [words.about(len(shown.zones), len(shown.flows), shown.version, locale)]
    for zone in shown.zones:
        parts = [f"{heading}: {', '.join(items)}" for heading, items in _columns(shown, zone, locale)]
        if zone.more_roles:
            parts[1] += f", {words.more(zone.more_roles, locale)}"
        said.append(f"{_name(zone, locale)}. {'; '.join([*parts, *_below(zone, locale)])}.")
    said += [f"{words.flow(flow, locale)}." for flow in shown.flows]
    return " ".join(said)


def _name(zone: MappedZone, locale: Locale) -> str:
    return f"{zone.name} ({words.within(zone, locale)})" if zone.within else zone.name


def _cards(shown: ZoneMap, locale: Locale) -> Iterator[_Card]:
    y: float = TOP
    for zone in shown.zones:
        leading = [
            f"{number}. {words.flow(flow, locale)}"
            for number, flow in enumerate(shown.flows, start=1)
            if flow.source == zone.name
        ]
        columns = tuple(
            (heading, _cut(items, width, zone.more_roles if heading == words.WHO[locale] else 0, locale))
            for (heading, items), (_, width) in zip(_columns(shown, zone, locale), COLUMNS, strict=True)
        )
        card = _Card(zone, columns, [*_below(zone, locale), *leading], y)
        yield card
        y += card.height + BETWEEN


def _cut(items: list[str], width: float, hidden: int, locale: Locale) -> list[str]:
    """As many of the items as a column takes, broken into lines; `hidden`: how many are not among them anyway."""
    lines: list[str] = []
    for place, item in enumerate(items):
        broken = wrapped(item, width, TEXT)
        if len(lines) + len(broken) >= MOST_LINES:
            hidden += len(items) - place
            break
        lines += broken
    return [*lines, words.more(hidden, locale)] if hidden else lines


def _columns(shown: ZoneMap, zone: MappedZone, locale: Locale) -> tuple[tuple[str, list[str]], ...]:
    if zone.in_policy:
        demands, who = words.demands(zone, locale), [words.entry(role, locale) for role in zone.entered_by]
    else:
        demands, who = [words.NOT_IN_POLICY[locale]], []
    routes = [f"{route.address}{route.path} → {route.upstream}" for route in zone.routes]
    nothing = (words.NO_ROUTES if shown.routes_known else words.ROUTES_UNKNOWN)[locale]
    return (
        (words.DEMANDS[locale], demands),
        (words.WHO[locale], who or [words.NOBODY[locale]]),
        (words.ROUTES[locale], routes or [nothing]),
    )


def _below(zone: MappedZone, locale: Locale) -> list[str]:
    lines = [words.services(zone, locale)] if zone.services else []
    lines += [words.band(band, locale) for band in zone.bands]
    return [*lines, words.outage(zone, locale)] if zone.outage else lines


def _card(card: _Card, locale: Locale) -> str:
    zone, x, y = card.zone, MARGIN, card.y
    kind = "zone" if zone.in_policy else "zone outside"
    name = _name(zone, locale)
    parts = [
        f'  <g role="graphics-object group" aria-label="{escape(name)}">',
        f'<rect class="{kind}" x="{x}" y="{y:g}" width="{CARD}" height="{card.height:g}" rx="10"/>',
        _line(name, x + 20, y + PADDING + 14, CARD - 40, kind="b", size=16),
    ]
    heads = y + PADDING + 26 + LINE - 4
    for (left, wide), (heading, lines) in zip(COLUMNS, card.columns, strict=True):
        parts.append(_line(heading, x + left, heads, wide, kind="h", size=12))
        parts += _lines(lines, x + left, heads + LINE, wide)
    if card.below:
        ruled = y + card.height - PADDING - len(card.below) * LINE - 6
        parts.append(f'<path class="rule" d="M{x + 20} {ruled:g}H{x + CARD - 20}"/>')
        parts += _lines(card.below, x + 20, ruled + LINE, CARD - 40)
    return "".join([*parts, "</g>"])


def _lines(lines: Iterable[str], x: float, y: float, width: float) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield _line(line, x, y + number * LINE, width)


def _line(text: str, x: float, y: float, width: float, *, kind: str = "t", size: int = TEXT) -> str:
    """One line; where it does not fit, all of it stands in its title."""
    shown = fitted(text, width, size)
    whole = f"<title>{escape(text)}</title>" if shown != text else ""
    sized = f' font-size="{size}"' if kind == "b" else ""
    return f'<text class="{kind}" x="{x:g}" y="{y:g}"{sized}>{whole}{escape(shown)}</text>'


def _flow(flow: MappedFlow, number: int, cards: dict[str, _Card], locale: Locale) -> str:
    """Out of the right side of one card and into that of another one, by the lane of its number."""
    right, lane = MARGIN + CARD, MARGIN + CARD + number * LANE
    begins = cards[flow.source].y + 18 + (number * 22) % 66  # so that no line begins where another one ends
    ends = cards[flow.to].y + 29 + (number * 22) % 66
    said = escape(words.flow(flow, locale))
    return (
        f'  <g role="graphics-symbol img" aria-label="{said}"><title>{said}</title>'
        f'<path class="a" d="M{right} {begins:g}H{lane}V{ends:g}H{right + 1}" marker-end="url(#h)"/>'
        f'<circle class="n" cx="{lane}" cy="{(begins + ends) / 2:g}" r="9"/>'
        f'<text class="nt" x="{lane}" y="{(begins + ends) / 2 + 4:g}" text-anchor="middle">{number}</text></g>'
    )

"""What is asked for: the body of a program's request, and the fields of the pages' forms.

A form names a thing in its fields: `quantity.SKU`, and `seat.SKU` for each seat; or, of one thing alone, `sku` with
`quantity`, or `sku` with `starts_at` and `ends_at`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec

from config.problem import Problem
from upstreams.door.answers import NOT_UNDERSTOOD
from upstreams.reservation.record import MAX_LINES, NOTHING_CHOSEN
from upstreams.trade.allocation import Line, Window

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Label = Annotated[str, msgspec.Meta(min_length=1, max_length=20)]


class AskedLine(msgspec.Struct, forbid_unknown_fields=True):
    """So many of one thing; which seats, or from when until when, where that matters."""

    sku: Annotated[str, msgspec.Meta(min_length=2, max_length=40)]
    quantity: Annotated[int, msgspec.Meta(ge=1, le=999)]
    seats: Annotated[tuple[Label, ...], msgspec.Meta(max_length=50)] = ()
    starts_at: Moment | None = None
    ends_at: Moment | None = None

    def line(self) -> Line:
        """Raises `ValueError` where the times make no sense."""
        if self.starts_at is None and self.ends_at is None:
            return Line(self.sku, self.quantity, self.seats)
        if self.starts_at is None or self.ends_at is None:
            raise ValueError(f"{self.sku}: from when until when, both or neither")
        return Line(self.sku, self.quantity, self.seats, Window(self.starts_at, self.ends_at))


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a request."""

    lines: Annotated[list[AskedLine], msgspec.Meta(min_length=1, max_length=MAX_LINES)]


def asked_by_form(fields: Sequence[tuple[str, str]]) -> list[AskedLine]:
    """The lines that a form asks for. Raises `NOT_UNDERSTOOD`, `NOTHING_CHOSEN`."""
    form = dict(fields)
    lines: list[dict[str, object]] = [
        {"sku": sku, "quantity": quantity, "seats": seats} for sku, quantity, seats in chosen(fields)
    ]
    if sku := form.get("sku"):
        lines.append({"sku": sku, **_how_much(form)})
    if not lines:
        raise Problem(NOTHING_CHOSEN)
    try:
        return msgspec.convert(lines, list[AskedLine])
    except msgspec.ValidationError as error:
        raise Problem(NOT_UNDERSTOOD, str(error)) from error


def chosen(fields: Sequence[tuple[str, str]]) -> list[tuple[str, int, tuple[str, ...]]]:
    """The things that a form names, each with how many and which seats. Seats say how many. Raises `NOT_UNDERSTOOD`."""
    seats: dict[str, list[str]] = {}
    quantities: Counter[str] = Counter()
    for name, value in fields:
        kind, _, sku = name.partition(".")
        if sku and kind == "seat":
            seats.setdefault(sku, []).append(value)
        elif sku and kind == "quantity":
            quantities[sku] += number(value or "0")
    quantities.update({sku: len(labels) - quantities[sku] for sku, labels in seats.items()})
    return [(sku, count, tuple(seats.get(sku, ()))) for sku, count in sorted(quantities.items()) if count]


def number(sent: str) -> int:
    """A quantity. Raises `NOT_UNDERSTOOD`."""
    if not (sent.isascii() and sent.isdigit() and len(sent) <= 4):
        raise Problem(NOT_UNDERSTOOD, "A quantity is a number.")
    return int(sent)


def _how_much(form: dict[str, str]) -> dict[str, object]:
    if "starts_at" not in form:
        return {"quantity": number(form.get("quantity", "1"))}
    try:
        start, end = datetime.fromisoformat(form["starts_at"]), datetime.fromisoformat(form.get("ends_at", ""))
        units = (end - start).total_seconds() / 60 / number(form.get("unit_minutes", ""))
    except (ValueError, TypeError, ZeroDivisionError) as error:
        raise Problem(NOT_UNDERSTOOD, "From when until when, and by how many minutes it is had.") from error
    return {"quantity": int(units), "starts_at": start, "ends_at": end}

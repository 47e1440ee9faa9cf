"""An explanation as text, in the reader's language: what a page shows, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from pages.catalogue import Catalogue
from pages.locale import Locale
from policy.decision import StepUp
from policy.explain.told import Change, ConditionPart, Explanation, FactTold, Kind, Value, Who
from policy.reasons import Reason

_MESSAGES = Path(__file__).with_name("messages.toml")


@lru_cache(maxsize=1)
def _catalogue() -> Catalogue:
    return Catalogue.load(_MESSAGES)


def text(explanation: Explanation, locale: Locale) -> str:
    """All of it."""
    return "\n".join(_Speaker(locale).all(explanation)) + "\n"


class _Speaker:
    """Words in one language."""

    def __init__(self, locale: Locale) -> None:
        self._locale = locale

    def _say(self, key: str, **arguments: object) -> str:
        return _catalogue().text(key, self._locale, **arguments)

    def _value(self, value: Value) -> str:
        match value:
            case None | "":
                return self._say("unknown")
            case bool():
                return self._say("yes" if value else "no")
            case float():
                return f"{value:.0f}"
        return str(value)

    def all(self, told: Explanation) -> Iterator[str]:
        decision, recorded = told.decision, told.recorded
        if recorded is not None:
            yield self._say(
                "asked",
                at=_moment(recorded.at.timestamp()),
                method=recorded.method,
                path=recorded.path,
                zone=recorded.zone,
                sub=recorded.sub or self._say("nobody"),
            )
            answer = self._say(f"would.{recorded.effect.value}")
            yield self._say("recorded_as", answer=answer, version=recorded.version)
            yield self._say(f"seal.{recorded.seal.value}", segment=recorded.segment, sequence=recorded.sequence)
            if recorded.limited:
                yield self._say("limited", rate=recorded.limited)
            if told.facts is None:
                yield self._say("as_it_stands")
        yield self._say(f"answer.{decision.effect.value}")
        yield self._say("by", version=decision.version, winner=decision.winner or self._say("nothing"))
        yield self._say("because", reasons=", ".join(self._reason(reason) for reason in decision.reasons))
        if told.would_allow is not None:
            yield self._say("would_allow", what=self._step_up(told.would_allow))
        yield from self._risk(told)
        yield from self._section("heading.demands", self._demands(told))
        yield from self._section("heading.rules", self._rules(told))
        yield from self._section(
            "heading.obligations",
            (self._say("obliged", obligation=one.obligation, rule=one.rule) for one in told.obligations),
        )
        yield from self._changes(told)

    def _section(self, heading: str, lines: Iterator[str]) -> Iterator[str]:
        first = next(lines, None)
        if first is not None:
            yield ""
            yield self._say(heading)
            yield f"  {first}"
            yield from (f"  {line}" for line in lines)

    def _reason(self, reason: Reason) -> str:
        return self._say(f"reason.{reason.value}")

    def _step_up(self, step: StepUp) -> str:
        parts = []
        if step.assurance is not None:
            parts.append(self._say("step_up.assurance", level=step.assurance))
        if step.max_age is not None:
            parts.append(self._say("step_up.max_age", seconds=step.max_age))
        if step.device_trust is not None:
            parts.append(self._say("step_up.device"))
        return ", ".join(parts)

    def _risk(self, told: Explanation) -> Iterator[str]:
        yield ""
        yield self._say("heading.risk", risk=told.decision.risk)
        for one in told.signals:
            facts = ", ".join(self._fact(fact) for fact in one.facts)
            yield "  " + self._say("signal", signal=one.signal, share=one.share, facts=facts)

    def _fact(self, one: FactTold) -> str:
        if one.began is None:
            return self._say("fact", fact=one.fact, value=self._value(one.value))
        return self._say("fact_began", fact=one.fact, value=self._value(one.value), began=self._value(one.began))

    def _demands(self, told: Explanation) -> Iterator[str]:
        for one in told.demands:
            wanted = ", ".join(self._value(value) for value in one.wanted)
            yield self._say("demand", reason=self._reason(one.reason), wanted=wanted, got=self._value(one.got))

    def _rules(self, told: Explanation) -> Iterator[str]:
        for rule in told.rules:
            part = self._say(f"part.{rule.part.value}")
            yield self._say("rule", rule=rule.rule, effect=rule.effect.value, role=rule.role, part=part)
            for failed in _failed(rule.checked):
                yield "    " + self._say("failed", text=failed.text, fact=failed.fact, value=self._value(failed.value))
        if told.rules_left_out:
            yield self._say("left_out", count=told.rules_left_out)

    def _changes(self, told: Explanation) -> Iterator[str]:
        for who in Who:
            yield from self._section(
                f"heading.{who.value}",
                (
                    self._say("then", change=self._change(one), answer=self._say(f"would.{one.effect.value}"))
                    for one in told.changes
                    if one.who is who
                ),
            )
        if not told.changes:
            yield ""
            yield self._say("heading.no_change")

    def _change(self, one: Change) -> str:
        key = f"change.{one.kind.value}"
        name, was, would_be = one.name, self._value(one.was), self._value(one.would_be)
        match one.kind:
            case Kind.ROLE | Kind.ELEVATION:
                key += "_more" if one.would_be else "_less"
            case Kind.DEMAND:
                name = self._reason(Reason(name))
            case Kind.TIME if isinstance(one.would_be, float):
                would_be = _moment(one.would_be)
        return self._say(key, name=name, was=was, would_be=would_be)


def _failed(part: ConditionPart | None) -> Iterator[ConditionPart]:
    """The comparisons for which a rule did not match."""
    if part is not None and part.matters:
        if not part.parts:
            yield part
        for inner in part.parts:
            yield from _failed(inner)


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")

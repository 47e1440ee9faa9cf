"""What people are written, and when: before, on and after the dates of a phase, each notice once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final, Literal, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from babel.dates import format_date

from config.connections import Transaction
from idp.rollout.cohorts import Rule
from idp.rollout.demands import OFFERED
from idp.rollout.phases import DateName, Method, Phase, PhaseState, Reminder
from idp.rollout.programme import Programme, Texts
from notifications.notice import Notice, NoticeKind

LATE: Final = timedelta(days=3)
"""What was not written by then helps nobody any more."""
WORTH: Final = timedelta(days=3)
"""How long a mail may wait for a server that is away."""
PLACEHOLDERS: Final = frozenset({"name", "organisation", "phase", "begin", "enforce", "days", "methods"})
LONGEST_SUBJECT: Final = 120
LONGEST_TEXT: Final = 2000
Occasion = Literal["announced", "begins", "before", "enforced", "closed", "after", "rolled_back"]
OCCASIONS: Final[tuple[Occasion, ...]] = (
    "announced",
    "begins",
    "before",
    "enforced",
    "closed",
    "after",
    "rolled_back",
)
Audience = Literal["everybody", "not_ready"]

_ALWAYS: Final = (Reminder("announce", 0), Reminder("begin", 0), Reminder("enforce", 0))
_PLACEHOLDER = re.compile(r"\{(\w*)\}")
_WHILE: Mapping[DateName, frozenset[PhaseState]] = {
    "announce": frozenset({"announced", "piloting", "running"}),
    "begin": frozenset({"piloting", "running"}),
    "enforce": frozenset({"enforced"}),
    "end": frozenset({"enforced", "finished"}),
}
"""In which states a notice on or after a date is still true."""
_BEFORE: Mapping[DateName, frozenset[PhaseState]] = {
    "announce": frozenset(),
    "begin": frozenset({"announced"}),
    "enforce": frozenset({"announced", "piloting", "running"}),
    "end": frozenset({"enforced"}),
}


@dataclass(frozen=True, slots=True)
class Moment:
    """A notice that is due."""

    label: str
    """By which it is known that somebody got it; with its day, so that a date that moved is told anew."""
    occasion: Occasion
    at: datetime
    audience: Audience


class UnusableText(ValueError):
    """Words that cannot be used; the message says why."""


def due_notice(phase: Phase, now: datetime) -> Moment | None:
    """The newest notice that is due; of several at once nobody is written more than one."""
    if phase.state == "rolled_back":
        return Moment(f"rolled_back@{phase.version}", "rolled_back", now, "everybody") if phase.begun_at else None
    found = []
    for one in dict.fromkeys((*_ALWAYS, *phase.reminders)):
        at = phase.dates.of(one.date) + timedelta(days=one.days)
        allowed = _BEFORE if one.days < 0 else _WHILE
        if phase.state in allowed[one.date] and at <= now < at + LATE:
            occasion = _occasion(phase, one)
            audience: Audience = "everybody" if occasion in ("announced", "closed") else "not_ready"
            found.append(Moment(f"{one.date}{one.days:+d}@{at:%Y-%m-%d}", occasion, at, audience))
    return max(found, key=lambda moment: moment.at, default=None)


def _occasion(phase: Phase, reminder: Reminder) -> Occasion:
    if reminder.days < 0:
        return "before"
    if reminder.date == "announce":
        return "announced"
    if reminder.date == "begin":
        return "begins"
    if reminder.days > 0 or reminder.date == "end":
        return "after"
    return "closed" if phase.demand.close_password else "enforced"


def check_texts(texts: Texts) -> None:
    """Raises `UnusableText` for words that name an occasion, a language or a placeholder that there is not."""
    for occasion, by_locale in texts.items():
        if occasion not in OCCASIONS:
            raise UnusableText(f"{occasion}: one of {', '.join(OCCASIONS)} is expected")
        if set(by_locale) != {"ko", "en"}:
            raise UnusableText(f"{occasion}: ko and en are expected")
        for locale, words in by_locale.items():
            if set(words) != {"subject", "text"}:
                raise UnusableText(f"{occasion}.{locale}: subject and text are expected")
            for name, most in (("subject", LONGEST_SUBJECT), ("text", LONGEST_TEXT)):
                _check(f"{occasion}.{locale}.{name}", words[name], most)


def _check(name: str, words: str, most: int) -> None:
    if not 0 < len(words.strip()) <= most or "\0" in words:
        raise UnusableText(f"{name}: 1 to {most} characters are expected")
    if unknown := {found for found in _PLACEHOLDER.findall(words) if found not in PLACEHOLDERS}:
        raise UnusableText(f"{name}: no such placeholder: {', '.join(sorted(unknown))}")


def fill(words: str, values: Mapping[str, str]) -> str:
    """Words with their placeholders filled: by name alone, so that a value is never read as a placeholder."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), words)


@cache
def shipped_texts() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """The words that come with the house, by occasion and language; those of methods under `methods`."""
    return tomllib.loads(Path(__file__).with_name("notices.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """Somebody who is to be written."""

    user_id: UUID
    name: str
    email: str
    locale: str


def words_of(programme: Programme, occasion: Occasion, locale: str) -> tuple[str, str]:
    """Subject and text with their placeholders: the programme's own, or those that come with the house."""
    words = (programme.texts.get(occasion) or shipped_texts()[occasion])[locale]
    return words["subject"], words["text"]


def words_for(
    programme: Programme,
    phase: Phase,
    occasion: Occasion,
    person: Addressee,
    organisation: str,
    zone: ZoneInfo,
    now: datetime,
) -> tuple[str, str]:
    """Subject and text for one person, in their language."""
    locale = "en" if person.locale == "en" else "ko"
    subject, text = words_of(programme, occasion, locale)
    left = max(0, (phase.dates.enforce_at.astimezone(zone).date() - now.astimezone(zone).date()).days)
    values = {
        "name": person.name,
        "organisation": organisation,
        "phase": phase.name.get(locale, phase.key),
        "begin": _day(phase.dates.begin_at, zone, locale),
        "enforce": _day(phase.dates.enforce_at, zone, locale),
        "days": str(left),
        "methods": _methods(phase.demand.methods, locale),
    }
    return fill(subject, values), fill(text, values)


HOW_TO: Final[Mapping[Method, str]] = {
    "passkey": "passkey",
    "push": "push",
    "totp": "app",
    "sms": "sms",
    "link": "link",
}
"""Which of the how-tos for people (`pages.help.ways`) is of which method."""


def how_to(phase: Phase, help_at: str) -> Mapping[str, str]:
    """The fact of a notice that leads to the how-to of what a phase asks for; none where there are no help pages."""
    offered = [one for one in phase.demand.methods if one in OFFERED] or list(phase.demand.methods)
    return {"help": f"{help_at}/{HOW_TO[offered[0]]}"} if help_at else {}


def _day(at: datetime, zone: ZoneInfo, locale: str) -> str:
    return format_date(at.astimezone(zone).date(), "long", locale=locale)


def _methods(methods: Sequence[Method], locale: str) -> str:
    named = shipped_texts()["methods"][locale]
    return ", ".join(named[one] for one in methods if one in OFFERED)


class NoticeQueue(Protocol):
    """Where notices wait to be delivered."""

    async def put(self, tx: Transaction, notice: Notice, *, expires_in: timedelta | None = None) -> UUID:
        """Queue one."""


class NoticeLedger(Protocol):
    """Where it is known who got which notice."""

    async def untold(
        self,
        tx: Transaction,
        organisation_id: UUID,
        rule: Rule,
        phase: Phase,
        moment: Moment,
        now: datetime,
        after: UUID | None,
        limit: int,
    ) -> Sequence[UUID]:
        """Some behind a person whom a notice is for and who did not get it yet, by their ids."""

    async def take(
        self, tx: Transaction, phase_id: UUID, moment: Moment, people: Sequence[UUID], now: datetime
    ) -> Sequence[Addressee]:
        """Those of these people who are to be written, each once, whoever else asks."""

    async def organisation(self, tx: Transaction, organisation_id: UUID) -> tuple[str, str]:
        """What an organisation is called, and the clock that it goes by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminders:
    """Queues what people are written."""

    ledger: NoticeLedger
    queue: NoticeQueue
    page: str
    """Where people set up how they sign in."""
    correlation: Callable[[], str]
    help: str = ""
    """Where the help pages are; empty: notices lead to none."""

    async def untold(
        self,
        tx: Transaction,
        programme: Programme,
        phase: Phase,
        rule: Rule,
        moment: Moment,
        now: datetime,
        after: UUID | None,
        limit: int,
    ) -> Sequence[UUID]:
        """Some, behind a person, to whom a notice is due. To find them is one look at everybody, so that many are asked
        for at once, and told a few at a time."""
        return await self.ledger.untold(tx, programme.organisation_id, rule, phase, moment, now, after, limit)

    async def tell(
        self,
        tx: Transaction,
        programme: Programme,
        phase: Phase,
        moment: Moment,
        people: Sequence[UUID],
        now: datetime,
    ) -> int:
        """Write to people to whom `untold` found a notice to be due. Returns to how many."""
        untold = await self.ledger.take(tx, phase.id, moment, people, now)
        if not untold:
            return 0
        organisation, zone = await self.ledger.organisation(tx, programme.organisation_id)
        for person in untold:
            subject, text = words_for(programme, phase, moment.occasion, person, organisation, ZoneInfo(zone), now)
            notice = Notice(
                kind=NoticeKind.PROGRAMME,
                user_id=person.user_id,
                to=person.email,
                locale=person.locale,
                name=person.name,
                facts={"subject": subject, "text": text, "account": self.page, **how_to(phase, self.help)},
                correlation_id=self.correlation(),
            )
            await self.queue.put(tx, notice, expires_in=WORTH)
        return len(untold)

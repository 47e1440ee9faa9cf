"""The rules of cohorts asked of everybody, by SQL, and what they ask of one person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    cast,
    exists,
    false,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, BIT
from sqlalchemy.types import BigInteger, Text

from config.connections import Transaction
from idp.devices.sign_in_history import GOT_IN
from idp.rollout.cohorts import (
    ADMINISTRATOR,
    BUCKETS,
    FAILED_WITHIN,
    FAILURES,
    SEEN_WITHIN,
    All,
    AnyOf,
    AtRisk,
    BelongsTo,
    Everybody,
    Facts,
    HasRole,
    Not,
    OneOf,
    Risk,
    Rule,
    Share,
    SignsInOn,
    Uses,
    nobody,
    systems_of,
)
from idp.rollout.phases import Method
from idp.storage.account_tables import sign_in_history
from idp.storage.approval_tables import approval_device
from idp.storage.directory_tables import membership, passkey, password, totp, user_account
from idp.storage.phone_tables import phone
from idp.storage.proven_addresses import is_proven

_PERSON = user_account.c.id
_FACTORS: Mapping[Method, ColumnElement[bool]] = {
    "passkey": exists().where(passkey.c.user_id == _PERSON),
    "push": exists().where(approval_device.c.user_id == _PERSON),
    "totp": exists().where(totp.c.user_id == _PERSON, totp.c.confirmed_at.is_not(None)),
    "sms": exists().where(phone.c.user_id == _PERSON, phone.c.confirmed_at.is_not(None)),
}
_HAS_FACTOR = or_(*_FACTORS.values())
HAVING: Mapping[Method, ColumnElement[bool]] = {**_FACTORS, "link": is_proven()}
"""What is true of whoever has a method. An address that nobody has proven is no way in: it may be mistyped."""


def having(methods: tuple[Method, ...]) -> ColumnElement[bool]:
    """Whoever has one of these methods."""
    return or_(false(), *(HAVING[one] for one in methods))


def condition(rule: Rule, organisation_id: UUID, now: datetime) -> ColumnElement[bool]:
    """`idp.rollout.cohorts.belongs`, of a row of `idp.user_account`."""
    match rule:
        case Everybody():
            return true()
        case HasRole(roles):
            return _member(organisation_id, roles)
        case BelongsTo(organisation):
            return _member(organisation)
        case AtRisk(risks):
            return or_(*(_at_risk(risk, organisation_id, now) for risk in risks))
        case SignsInOn():
            label = sign_in_history.c.device_label
            named = [or_(label == one, label.endswith(f" · {one}")) for one in sorted(rule.wanted())]
            return exists(_got_in(now).where(or_(false(), *named)))
        case Uses(clients):
            return exists(_got_in(now).where(sign_in_history.c.client_id.in_(clients)))
        case Share(percent, salt):
            return within(percent, salt)
        case OneOf(people):
            return _PERSON.in_(people)
        case All(of):
            return and_(true(), *(condition(one, organisation_id, now) for one in of))
        case AnyOf(of):
            return or_(false(), *(condition(one, organisation_id, now) for one in of))
        case Not(of):
            return not_(condition(of, organisation_id, now))


def within(percent: int, salt: str) -> ColumnElement[bool]:
    """`idp.rollout.cohorts.within`: the first four bytes of SHA-256, big-endian."""
    if percent >= 100:
        return true()
    said = literal(salt, Text) + _PERSON.cast(Text)
    first = func.substr(func.sha256(func.convert_to(said, literal_column("'UTF8'"))), 1, 4)
    bits = literal_column("'x'", Text) + func.encode(first, literal_column("'hex'"))
    number = cast(cast(bits, BIT(32)), BigInteger)
    return number % BUCKETS < percent * (BUCKETS // 100)


async def facts(tx: Transaction, organisation_id: UUID, user_id: UUID, now: datetime) -> Facts:
    """What rules ask of one person, in one statement."""
    labels, apps = (
        _got_in(now, func.array_agg(column.distinct())).scalar_subquery()
        for column in (sign_in_history.c.device_label, sign_in_history.c.client_id)
    )
    roles = (
        select(membership.c.roles)
        .where(membership.c.user_id == _PERSON, membership.c.organisation_id == organisation_id)
        .scalar_subquery()
    )
    belongs = (
        select(func.array_agg(membership.c.organisation_id)).where(membership.c.user_id == _PERSON).scalar_subquery()
    )
    query = select(
        roles.label("roles"),
        belongs.label("organisations"),
        _legacy_hash().label("legacy_hash"),
        _HAS_FACTOR.label("second_factor"),
        is_proven().label("proven_mail"),
        _failures(now).label("failures"),
        labels.label("labels"),
        apps.label("clients"),
    ).where(user_account.c.id == user_id)
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        return nobody(user_id)
    return Facts(
        user_id=user_id,
        roles=frozenset(row.roles or ()),
        organisations=frozenset(row.organisations or ()),
        legacy_hash=row.legacy_hash,
        second_factor=row.second_factor,
        proven_mail=row.proven_mail,
        failures=row.failures,
        systems=systems_of(frozenset(row.labels or ())),
        clients=frozenset(row.clients or ()),
    )


def _member(organisation_id: UUID, roles: tuple[str, ...] | None = None) -> ColumnElement[bool]:
    belongs = exists().where(membership.c.user_id == _PERSON, membership.c.organisation_id == organisation_id)
    return belongs if roles is None else belongs.where(membership.c.roles.overlap(literal(list(roles), ARRAY(Text))))


def _at_risk(risk: Risk, organisation_id: UUID, now: datetime) -> ColumnElement[bool]:
    match risk:
        case "administrator":
            return _member(organisation_id, (ADMINISTRATOR,))
        case "legacy_hash":
            return _legacy_hash()
        case "no_second_factor":
            return not_(_HAS_FACTOR)
        case "recent_failures":
            return _PERSON.in_(_failed_often(now))


def _legacy_hash() -> ColumnElement[bool]:
    """Whoever signs in gets a hash of today: what lies as another system made it has not been used since."""
    return exists().where(password.c.user_id == _PERSON, not_(password.c.hash.startswith("$argon2id$")))


def _failures(now: datetime) -> ColumnElement[int]:
    return (
        select(func.count())
        .select_from(sign_in_history)
        .where(
            sign_in_history.c.user_id == _PERSON,
            sign_in_history.c.outcome == "failed",
            sign_in_history.c.at > now - FAILED_WITHIN,
        )
        .scalar_subquery()
    )


def _failed_often(now: datetime) -> Select[Any]:
    """The same of everybody at once: few fail, and to count for each of the others costs more than to find these."""
    person = sign_in_history.c.user_id
    lately = (sign_in_history.c.outcome == "failed", sign_in_history.c.at > now - FAILED_WITHIN)
    return select(person).where(*lately).group_by(person).having(func.count() >= FAILURES)


def _got_in(now: datetime, *columns: ColumnElement[Any]) -> Select[Any]:
    return select(*(columns or (literal_column("1"),))).where(
        sign_in_history.c.user_id == _PERSON,
        sign_in_history.c.outcome.in_(sorted(GOT_IN)),
        sign_in_history.c.at > now - SEEN_WITHIN,
    )

"""People as a login meets them, in PostgreSQL: one statement for all of it (A7)."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import LargeBinary, and_, bindparam, func, or_, select, true

from config.connections import Transaction
from idp.devices.device import Device
from idp.endpoints.login.known_person import KnownPerson
from idp.factors.requirement import FactorKind
from idp.protocol.assurance import METHODS
from idp.storage import sessions
from idp.storage.approval_tables import approval_device
from idp.storage.directory_tables import device, membership, passkey, session, totp, user_account
from idp.storage.phone_tables import phone

_HOME = (
    select(membership.c.organisation_id, membership.c.roles)
    .where(membership.c.user_id == user_account.c.id)
    .order_by(membership.c.joined_at, membership.c.organisation_id)
    .limit(1)
    .lateral("home")
)
_KEYS = (
    select(
        func.bool_or(passkey.c.backup_eligible).label("synced"),
        func.bool_or(~passkey.c.backup_eligible).label("in_device"),
        func.bool_or(passkey.c.attested & ~passkey.c.backup_eligible).label("attested"),
    )
    .where(passkey.c.user_id == user_account.c.id)
    .lateral("keys")
)
"""One row always; all NULL where there is no passkey."""
_LIVE = session.alias("live")
_HERE = device.alias("here")
_SESSION = {f"session_{column.name}": column.name for column in _LIVE.c}
_DEVICE = {f"device_{column.name}": column.name for column in _HERE.c if column.name != "cookie_hash"}
_APPROVING = select(approval_device.c.id).where(approval_device.c.user_id == user_account.c.id)
_COLUMNS = (
    user_account.c.id.label("user_id"),
    user_account.c.display_name.label("name"),
    user_account.c.email,
    user_account.c.locale,
    user_account.c.state,
    _HOME.c.organisation_id,
    _HOME.c.roles,
    select(totp.c.id)
    .where(totp.c.user_id == user_account.c.id, totp.c.confirmed_at.is_not(None))
    .exists()
    .label("has_totp"),
    _KEYS.c.synced.label("key_synced"),
    _KEYS.c.in_device.label("key_in_device"),
    _KEYS.c.attested.label("key_attested"),
    select(phone.c.user_id)
    .where(phone.c.user_id == user_account.c.id, phone.c.confirmed_at.is_not(None))
    .exists()
    .label("has_phone"),
    _APPROVING.exists().label("has_push"),
    _APPROVING.where(approval_device.c.device_id.is_distinct_from(_HERE.c.id)).exists().label("pushes_elsewhere"),
    or_(
        select(session.c.sid).where(session.c.user_id == user_account.c.id).exists(),
        select(device.c.id).where(device.c.user_id == user_account.c.id, device.c.sign_ins > 0).exists(),
    ).label("signed_in_before"),
    *(_HERE.c[name].label(label) for label, name in _DEVICE.items()),
    *(column.label(f"session_{column.name}") for column in _LIVE.c),
)

_PERSON = (
    select(*_COLUMNS)
    .select_from(user_account)
    .join(_HOME, true())
    .join(_KEYS, true())
    .outerjoin(_LIVE, and_(_LIVE.c.user_id == user_account.c.id, _LIVE.c.ended_at.is_(None)))
    .outerjoin(
        _HERE, and_(_HERE.c.user_id == user_account.c.id, _HERE.c.cookie_hash == bindparam("cookie", type_=LargeBinary))
    )
    .where(user_account.c.id == bindparam("person"))
)


async def known_person(tx: Transaction, user_id: UUID, device_cookie: bytes | None) -> KnownPerson | None:
    """The person, and this browser as a device of theirs; None: there is none, or they belong nowhere."""
    row = (await tx.execute(_PERSON, {"person": user_id, "cookie": device_cookie})).mappings().one_or_none()
    if row is None:
        return None
    enrolled: list[FactorKind] = ["totp"] if row["has_totp"] else []
    if row["key_synced"] is not None:
        enrolled.append("passkey")
    has = {"synced_passkey": row["key_synced"], "device_passkey": row["key_in_device"], "totp": row["has_totp"]}
    has |= {"attested_passkey": row["key_attested"], "sms": row["has_phone"], "push": row["pushes_elsewhere"]}
    if row["has_phone"]:
        enrolled.append("sms")
    if row["has_push"]:
        enrolled.append("push")
    live = {name: row[label] for label, name in _SESSION.items()}
    here = {name: row[label] for label, name in _DEVICE.items()}
    return KnownPerson(
        user_id=row["user_id"],
        name=row["name"],
        email=row["email"] or None,
        locale=row["locale"],
        may_sign_in=row["state"] == "active",
        organisation_id=row["organisation_id"],
        roles=tuple(row["roles"]),
        enrolled=tuple(enrolled),
        methods=frozenset(method for method in METHODS if has.get(method)),
        pushes_elsewhere=row["pushes_elsewhere"],
        signed_in_before=row["signed_in_before"],
        device=Device(**here) if here["id"] is not None else None,
        not_ended=sessions.from_columns(live) if live["sid"] is not None else None,
    )

"""People in the database, for the tests of the identity provider."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from config.clock import Clock
from config.connections import Transaction
from config.entropy import SystemEntropy
from idp.directory.account import Account, DuplicateLogin, Organisation
from idp.sessions.one_session import Beginning, OneSession
from idp.sessions.relying_parties import RelyingParties
from idp.sessions.session import SessionTimes, Visitor
from idp.storage import deliveries, directory
from idp.storage import sessions as session_storage

BEGUN = datetime(2026, 11, 1, tzinfo=UTC)
TIMES = SessionTimes(idle_timeout=timedelta(minutes=30), absolute_lifetime=timedelta(hours=12))
HOUSE = UUID("00000000-0000-4000-8000-0000000000aa")


async def add_person(
    tx: Transaction,
    name: str = "mina",
    *,
    roles: tuple[str, ...] = ("customer",),
    locale: str = "ko",
    duplicate_login: DuplicateLogin | None = None,
    with_mail: bool = True,
) -> Account:
    """Keep a new person, a member of the house organisation, who can be mailed."""
    house = Organisation(id=HOUSE, name="House", time_zone="Asia/Seoul", duplicate_login=duplicate_login)
    await directory.put_organisation(tx, house, BEGUN)
    account = Account(
        id=uuid4(),
        login_name=name,
        display_name=name.title(),
        email=f"{name}@mail.example" if with_mail else None,
        locale=locale,
        state="active",
        version=1,
    )
    assert await directory.add_account(tx, account, BEGUN)
    await directory.put_membership(tx, account.id, HOUSE, roles, BEGUN)
    return account


def beginning(user_id: UUID, clock: Clock, *, ip: str = "127.0.0.1", device: UUID | None = None) -> Beginning:
    """A full authentication by password."""
    return Beginning(
        user_id=user_id,
        organisation_id=HOUSE,
        cookie_hash=SystemEntropy().token().encode(),
        visitor=Visitor(
            device_id=device, device_label="Chrome · Windows", browser="Chrome", ip=ip, place="this machine"
        ),
        amr=("pwd",),
        acr="urn:munjigi:acr:1",
        authenticated_at=clock.now(),
        correlation_id="test",
    )


def one_session(clock: Clock) -> OneSession:
    """The acts upon sessions, on PostgreSQL."""
    return OneSession(session_storage, TIMES, clock, SystemEntropy(), (RelyingParties(deliveries, SystemEntropy()),))

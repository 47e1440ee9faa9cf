"""Beyond ends: a way to sign in that changed, a device that is trusted otherwise, as receivers hear of it (CAEP)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pyotp
from sqlalchemy import text

from idp.directory.account import Organisation
from idp.sessions.signals.changes import CREDENTIAL_CHANGE, DEVICE_COMPLIANCE_CHANGE, CredentialChange, passkey_type
from idp.sessions.signals.security_event import SESSION_REVOKED
from idp.storage import devices, directory, factor_reset
from tests.idp.account.conftest import PASSWORD, Arrive, Resident, app, arrive
from tests.idp.account.test_changes import NEW, make_passkey, options
from tests.idp.authenticator import SoftAuthenticator
from tests.idp.login_pages.test_recover import MAIL, Mailbox, ask, give, mailbox, set_mail
from tests.idp.people import BEGUN, HOUSE
from tests.idp.provider import App, Provider
from tests.idp.signals.test_transmitter import Subscriber, subscriber
from tests.idp.signals.test_whose_ends import OTHER, register

__all__ = ["app", "arrive", "mailbox", "subscriber"]

CHANGES = [CREDENTIAL_CHANGE, DEVICE_COMPLIANCE_CHANGE]


async def heard(subscriber: Subscriber, stream_id: str) -> list[tuple[dict[str, Any], str, dict[str, Any]]]:
    """What waits on a stream: subject, the event's short name, and what it says, by its type; acknowledged."""
    polled = await subscriber.poll(stream_id)
    await subscriber.poll(stream_id, ack=list(polled["sets"]))
    found = []
    for token in polled["sets"].values():
        claims = subscriber.claims(token)
        ((event, said),) = claims["events"].items()
        found.append((claims["sub_id"], event.rpartition("/")[2], said))
    return sorted(found, key=lambda one: one[2].get("credential_type", ""))


async def test_the_person_s_own_changes_are_told(subscriber: Subscriber, arrive: Arrive, provider: Provider) -> None:
    stream = await subscriber.stream(events_requested=CHANGES)
    assert stream["events_delivered"] == CHANGES
    stream_id = stream["stream_id"]
    mina = await arrive()
    authenticator = SoftAuthenticator(provider.parts.issuer)
    await make_passkey(mina, authenticator)
    told = await heard(subscriber, stream_id)
    assert [(said["credential_type"], said["change_type"]) for _, _, said in told] == [
        ("fido2-platform", "create"),
        ("recovery-code", "create"),
    ]
    subject, event, said = told[0]
    assert event == "credential-change"
    assert subject == {
        "format": "complex",
        "user": {"format": "iss_sub", "iss": provider.parts.issuer, "sub": str(mina.id)},
        "tenant": {"format": "opaque", "id": str(HOUSE)},
    }
    assert said["friendly_name"] == "My key"
    assert said["initiating_entity"] == "user"
    assert said["event_timestamp"] == int(subscriber.clock.timestamp())
    assert set(said["reason_user"]) == {"en", "ko"}
    assert said["reason_admin"]["en"]

    await prove(mina, authenticator)
    await mina.post("/account/recovery-codes")
    await connect_app(mina)
    await mina.post("/account/factors/remove", kind="passkey", id=authenticator.credential_id.hex())
    told = await heard(subscriber, stream_id)
    assert [(said["credential_type"], said["change_type"]) for _, _, said in told] == [
        ("app", "create"),
        ("fido2-platform", "delete"),
        ("recovery-code", "update"),
    ]
    done = await mina.post("/account/password", current=PASSWORD, new=NEW)
    assert "Your password is changed" in done.text
    ((_, _, said),) = await heard(subscriber, stream_id)
    assert (said["credential_type"], said["change_type"], said["initiating_entity"]) == ("password", "update", "user")
    assert "friendly_name" not in said


async def prove(mina: Resident, authenticator: SoftAuthenticator) -> None:
    page = await mina.get("/account/confirm?to=/account/factors")
    await mina.post("/account/confirm/passkey", answer=authenticator.get(options(page)), to="/account/factors")


async def connect_app(mina: Resident) -> None:
    page = await mina.post("/account/authenticator")
    secret = page.text.split("<code>")[1].split("<")[0].replace(" ", "")
    at = int(mina.provider.parts.clock.timestamp())
    await mina.post("/account/authenticator/confirm", code=pyotp.TOTP(secret).at(at))


async def test_a_password_of_recovery_and_the_codes_of_the_last_factor(
    subscriber: Subscriber, arrive: Arrive, provider: Provider, mailbox: Mailbox
) -> None:
    stream_id = (await subscriber.stream(events_requested=[CREDENTIAL_CHANGE]))["stream_id"]
    mina = await arrive()
    authenticator = SoftAuthenticator(provider.parts.issuer)
    await make_passkey(mina, authenticator)
    await prove(mina, authenticator)
    await mina.post("/account/factors/remove", kind="passkey", id=authenticator.credential_id.hex())
    told = [(said["credential_type"], said["change_type"]) for _, _, said in await heard(subscriber, stream_id)]
    assert sorted(told) == [
        ("fido2-platform", "create"),
        ("fido2-platform", "delete"),
        ("recovery-code", "create"),
        ("recovery-code", "revoke"),
    ]
    await set_mail(provider, mina.id, MAIL)
    await ask(provider.browser(), "mina")
    assert (await give(provider.browser(), await mailbox.link())).status_code == 200
    ((_, _, said),) = await heard(subscriber, stream_id)
    assert said["reason_admin"] == {"en": "The person set a new password by a link of recovery."}


async def test_a_device_becomes_known_and_is_removed(subscriber: Subscriber, arrive: Arrive, app: App) -> None:
    stream_id = (await subscriber.stream(events_requested=[DEVICE_COMPLIANCE_CHANGE]))["stream_id"]
    mina = await arrive()
    assert await heard(subscriber, stream_id) == []  # an unknown device is what it was
    await mina.post("/account/session/end")
    await mina.browser.follow(await mina.browser.get(app.request()))
    await mina.provider.prove(mina.browser, mina.id)
    ((subject, event, said),) = await heard(subscriber, stream_id)
    async with subscriber.provider.parts.database.connect() as tx:
        [device] = await devices.of(tx, mina.id)
    assert event == "device-compliance-change"
    assert subject["device"] == {"format": "opaque", "id": str(device.id)}
    assert subject["user"]["sub"] == str(mina.id)
    assert (said["previous_status"], said["current_status"]) == ("not-compliant", "compliant")
    assert said["initiating_entity"] == "system"
    removed = await mina.post("/account/devices/remove", id=str(device.id))
    assert removed.status_code == 200
    ((_, _, said),) = await heard(subscriber, stream_id)
    assert (said["previous_status"], said["current_status"]) == ("compliant", "not-compliant")
    assert said["initiating_entity"] == "user"


async def test_only_what_was_asked_for_and_nothing_of_who_was_removed(subscriber: Subscriber, arrive: Arrive) -> None:
    ends = (await subscriber.stream(events_requested=[SESSION_REVOKED]))["stream_id"]
    without = (await subscriber.stream(events_requested=CHANGES))["stream_id"]
    disabled = (await subscriber.stream(events_requested=CHANGES))["stream_id"]
    paused = (await subscriber.stream(events_requested=CHANGES))["stream_id"]
    mina = await arrive()
    subject = {"format": "iss_sub", "iss": subscriber.provider.parts.issuer, "sub": str(mina.id)}
    await subscriber.ask("POST", "subjects/remove", {"stream_id": without, "subject": subject})
    await subscriber.ask("POST", "status", {"stream_id": disabled, "status": "disabled"})
    await subscriber.ask("POST", "status", {"stream_id": paused, "status": "paused"})
    await mina.post("/account/password", current=PASSWORD, new=NEW)
    assert [event for _, event, _ in await heard(subscriber, ends)] == ["session-revoked"]
    assert await heard(subscriber, without) == []
    assert await heard(subscriber, paused) == []
    for stream_id in (disabled, paused):
        await subscriber.ask("POST", "status", {"stream_id": stream_id, "status": "enabled"})
    assert await heard(subscriber, disabled) == []
    assert [event for _, event, _ in await heard(subscriber, paused)] == ["credential-change"]


async def change_password(provider: Provider, person: UUID) -> None:
    async with provider.parts.database.begin() as tx:
        change = CredentialChange("password", "update", "password_changed")
        await provider.parts.signals.credential_changed(tx, person, change, "c-1")


async def test_another_organisation_hears_nothing(subscriber: Subscriber, provider: Provider) -> None:
    async with provider.parts.database.begin() as tx:
        other = Organisation(id=OTHER, name="Other", time_zone="Asia/Seoul", duplicate_login=None)
        await directory.put_organisation(tx, other, BEGUN)
    stream_id = (await subscriber.stream(events_requested=CHANGES))["stream_id"]
    mina = await provider.person()
    await register(subscriber, OTHER, "ssf.manage")
    await change_password(provider, mina)
    assert await subscriber.deliveries() == []  # of others nothing is even kept
    async with provider.parts.database.begin() as tx:
        await directory.put_membership(tx, mina, OTHER, ("customer",), BEGUN)
    await change_password(provider, mina)
    ((subject, _, _),) = await heard(subscriber, stream_id)
    assert subject["tenant"]["id"] == str(OTHER)
    # what waits is asked again: a client that moved gets nothing of it
    await change_password(provider, mina)
    await register(subscriber, None, "ssf.manage")
    assert await heard(subscriber, stream_id) == []
    await register(subscriber, OTHER, "ssf.manage")
    assert len(await heard(subscriber, stream_id)) == 1


async def test_the_house_s_own_client_hears_of_everybody(subscriber: Subscriber, provider: Provider) -> None:
    await register(subscriber, None, "ssf.manage", "ssf.all")
    stream_id = (await subscriber.stream(events_requested=CHANGES))["stream_id"]
    await change_password(provider, await provider.person())
    ((subject, _, _),) = await heard(subscriber, stream_id)
    assert subject["tenant"]["id"] == str(HOUSE)


async def test_what_is_undone_is_told_to_nobody(subscriber: Subscriber, provider: Provider) -> None:
    await subscriber.stream(events_requested=CHANGES)
    mina = await provider.person()
    async with provider.parts.database.connect() as tx:
        change = CredentialChange("password", "update", "password_changed")
        await provider.parts.signals.credential_changed(tx, mina, change, "c")
        assert (await tx.execute(text("SELECT count(*) FROM idp.delivery"))).scalar_one() == 1
        await tx.rollback()
    assert await subscriber.deliveries() == []


async def test_a_reset_is_told_of_each_factor(subscriber: Subscriber, arrive: Arrive, provider: Provider) -> None:
    mina = await arrive(with_totp=True)
    await make_passkey(mina, SoftAuthenticator(provider.parts.issuer))
    await mina.post("/account/recovery-codes")
    async with provider.parts.database.begin() as tx:
        revoked = await factor_reset.revoked(tx, mina.id)
        await factor_reset.reset(tx, mina.id)
        assert await factor_reset.revoked(tx, mina.id) == []
    assert [(one.credential_type, one.change_type, one.reason, one.friendly_name) for one in revoked] == [
        ("fido2-platform", "revoke", "reset", "My key"),
        ("app", "revoke", "reset", "App"),
        ("recovery-code", "revoke", "reset", ""),
    ]


def test_where_a_passkey_lives() -> None:
    assert passkey_type(("internal",)) == passkey_type(("hybrid", "usb")) == "fido2-platform"
    assert passkey_type(("usb", "nfc")) == passkey_type(()) == "fido2-roaming"

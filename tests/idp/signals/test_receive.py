"""What others push (RFC 8935): taken once, acted on as the organisation has it, refused by the right code."""

from __future__ import annotations

import asyncio
import base64
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey
from prometheus_client import REGISTRY

from idp.credentials.remembered import Remembered
from idp.directory.account import Organisation
from idp.federation.links import Link
from idp.federation.provider import UpstreamProvider
from idp.sessions.received.security_event import OLDEST, EventKind
from idp.storage import directory, remembered, signal_transmitters, upstream_links, upstream_providers
from idp.storage import subjects as people_now
from jose.published_keys import AGAIN_AFTER, FRESH
from tests.idp.people import BEGUN, HOUSE
from tests.idp.signals.listening import Listening, add_device, listening, settings
from tests.idp.signals.transmitter import ASSURANCE

__all__ = ["listening", "settings"]

OTHER = UUID("00000000-0000-4000-8000-0000000000bb")


async def test_a_revoked_session_ends_once_and_everybody_is_told(listening: Listening) -> None:
    token = listening.transmitter.revoked(listening.by_mail(), txn="theirs")
    assert await listening.push(token) == 202
    assert await listening.end_reason() == "response"
    [record] = await listening.rows("SELECT * FROM audit.record WHERE kind = 'signal_received'")
    assert (record.actor, record.subject) == (str(listening.known.id), str(listening.person))
    assert (record.details["acts"], record.details["outcome"], record.details["txn"]) == (["end"], "acted", "theirs")
    [event] = await listening.rows("SELECT payload FROM events.outbox WHERE payload ->> 'state' = 'ended'")
    assert event.payload["reason"] == "response"
    [mail] = await listening.rows("SELECT kind, user_id FROM notifications.message")
    assert (mail.kind, mail.user_id) == ("session_ended", listening.person)
    [kept] = await listening.rows("SELECT * FROM idp.signal_transmitter")
    assert (kept.received_at, kept.problem) == (listening.clock.now(), "")

    again = await listening.begin(listening.person, listening.device)
    assert await listening.push(token) == 202  # a replay is an answer that was lost: taken already
    assert await listening.end_reason(again) is None
    assert await listening.outcomes() == ["acted"]


async def test_two_copies_at_once_are_acted_on_once(listening: Listening) -> None:
    token = listening.transmitter.revoked(listening.by_mail())
    assert await asyncio.gather(*(listening.push(token) for _ in range(8))) == [202] * 8
    assert await listening.outcomes() == ["acted"]
    assert len(await listening.rows("SELECT 1 FROM audit.record WHERE kind = 'session_ended'")) == 1


@pytest.mark.parametrize("how", ["email", "opaque", "iss_sub", "aliases", "complex", "complex_session", "foreign_sid"])
async def test_however_the_person_is_named(listening: Listening, how: str) -> None:
    user = listening.iss_sub(listening.person)
    subject: dict[str, Any] = {
        "email": {"format": "email", "email": "MINA@Mail.example"},
        "opaque": listening.opaque(listening.person),
        "iss_sub": user,
        "aliases": {
            "format": "aliases",
            "identifiers": [{"format": "phone_number", "phone_number": "+8210"}, listening.by_mail()],
        },
        "complex": {"format": "complex", "user": user, "tenant": listening.opaque("theirs")},
        "complex_session": {"format": "complex", "session": listening.opaque(listening.sid)},
        "foreign_sid": {"format": "complex", "user": user, "session": listening.opaque("a session of theirs")},
    }[how]
    assert await listening.push(listening.transmitter.revoked(subject)) == 202
    assert await listening.end_reason() == "response"


async def test_whoever_is_not_meant_is_left_alone(listening: Listening) -> None:
    await listening.provider.person("jun")
    other = await listening.begin(await listening.provider.person("sora"))
    user = listening.iss_sub(listening.person)
    strangers: list[dict[str, Any]] = [
        listening.by_mail("nobody"),
        listening.iss_sub(listening.person, "https://another.example"),
        listening.opaque("not an id"),
        listening.opaque(uuid4()),
        {"format": "did", "url": "did:example:1"},
        {"format": "complex", "user": user, "session": listening.opaque(other)},  # of somebody else
        {"format": "complex", "user": listening.by_mail("jun"), "session": listening.opaque(listening.sid)},
        {"format": "complex", "user": listening.by_mail("nobody"), "session": listening.opaque(listening.sid)},
        {"format": "aliases", "identifiers": [listening.by_mail(), listening.by_mail("jun")]},
        {"format": "complex", "tenant": listening.opaque(HOUSE)},
    ]
    for subject in strangers:
        assert await listening.push(listening.transmitter.revoked(subject)) == 202, subject
    assert await listening.outcomes() == ["nobody"] * len(strangers)
    assert await listening.end_reason() is None
    assert await listening.end_reason(other) is None


async def link(listening: Listening, person: UUID, issuer: str, subject: str, organisation: UUID, client: str) -> None:
    """An account of an organisation's own provider that is a person's."""
    provider = UpstreamProvider(
        id=uuid4(),
        organisation_id=organisation,
        issuer=issuer,
        client_id=client,
        auth_method="none",
        sealed_secret=None,
        scopes=("openid",),
        name={"ko": "아크메", "en": "Acme"},
    )
    found = Link(
        provider_id=provider.id, subject=subject, user_id=person, shown=subject, linked_at=listening.clock.now()
    )
    async with listening.provider.parts.database.begin() as tx:
        assert await upstream_providers.add(tx, provider, listening.clock.now())
        assert await upstream_links.add(tx, found)


async def test_a_linked_account_is_known_as_its_provider_calls_it(listening: Listening) -> None:
    ours, theirs = "https://idp.acme.example", "https://idp.other.example"
    jun = await listening.provider.person("jun")
    other = Organisation(id=OTHER, name="Other", time_zone="Asia/Seoul", duplicate_login=None)
    async with listening.provider.parts.database.begin() as tx:
        await directory.put_organisation(tx, other, listening.clock.now())
    await link(listening, listening.person, ours, "u-1", HOUSE, "one")
    await link(listening, listening.person, ours, "u-2", HOUSE, "two")
    await link(listening, jun, ours, "u-2", HOUSE, "three")  # `sub` of one client is another's of another
    await link(listening, listening.person, theirs, "u-1", OTHER, "one")  # another organisation says whose it is
    for subject in (
        listening.iss_sub("u-3", ours),
        listening.iss_sub("u-2", ours),
        listening.iss_sub("u-1", theirs),
        listening.iss_sub(listening.person, ours),
        listening.iss_sub("u-1"),
    ):
        assert await listening.push(listening.transmitter.revoked(subject)) == 202
        assert await listening.end_reason() is None, subject
    assert await listening.push(listening.transmitter.revoked(listening.iss_sub("u-1", ours))) == 202
    assert await listening.end_reason() == "response"


async def test_two_people_with_one_address_are_nobody(listening: Listening) -> None:
    await listening.provider.person("jun")
    async with listening.database("owner").begin() as tx:
        await tx.exec_driver_sql("UPDATE idp.user_account SET email = 'Mina@mail.example'")
    assert await listening.push(listening.transmitter.revoked(listening.by_mail())) == 202
    assert await listening.outcomes() == ["nobody"]
    assert await listening.end_reason() is None


async def test_another_organisation_is_never_touched(listening: Listening) -> None:
    """Neither its people, nor the session that one of ours has there."""
    parts = listening.provider.parts
    async with parts.database.begin() as tx:
        other = Organisation(id=OTHER, name="Other", time_zone="Asia/Seoul", duplicate_login=None)
        await directory.put_organisation(tx, other, BEGUN)
    theirs = await listening.provider.person("theirs")
    both = await listening.provider.person("both")
    device = await add_device(listening.provider, theirs, listening.clock)
    async with listening.database("owner").begin() as tx:
        await tx.exec_driver_sql(f"UPDATE idp.membership SET organisation_id = '{OTHER}' WHERE user_id = '{theirs}'")
    async with parts.database.begin() as tx:
        await directory.put_membership(tx, both, OTHER, ("customer",), BEGUN)
    sid_of_theirs = await listening.begin(theirs, device, OTHER)
    sid_of_both = await listening.begin(both, None, OTHER)
    for subject in (
        listening.by_mail("theirs"),
        listening.opaque(theirs),
        listening.iss_sub(theirs),
        {"format": "complex", "session": listening.opaque(sid_of_theirs)},
        {"format": "complex", "user": listening.by_mail("both"), "session": listening.opaque(sid_of_both)},
        listening.by_mail("both"),
    ):
        assert await listening.push(listening.transmitter.revoked(subject)) == 202
    unfit = {"previous_status": "compliant", "current_status": "not-compliant"}
    claims = listening.transmitter.claims(
        EventKind.DEVICE_COMPLIANCE_CHANGE, unfit, {"format": "complex", "device": listening.opaque(device)}
    )
    assert await listening.push(listening.transmitter.token_of(claims)) == 202
    assert set(await listening.outcomes()) == {"nobody"}
    assert await listening.end_reason(sid_of_theirs) is None
    assert await listening.end_reason(sid_of_both) is None
    assert await listening.rows("SELECT 1 FROM idp.device_compliance") == []


async def test_late_news_ends_no_session_that_began_since(listening: Listening) -> None:
    happened = listening.clock.timestamp()
    late = listening.transmitter.claims(EventKind.SESSION_REVOKED, {"event_timestamp": happened}, listening.by_mail())
    listening.clock.advance(600)
    async with listening.provider.parts.database.begin() as tx:
        await listening.provider.parts.one_session.end(tx, listening.sid, "sign_out", correlation_id="c")
    fresh = await listening.begin(listening.person)
    assert await listening.push(listening.transmitter.token_of(late)) == 202
    assert await listening.end_reason(fresh) is None
    assert await listening.push(listening.transmitter.revoked(listening.by_mail())) == 202
    assert await listening.end_reason(fresh) == "response"


async def remember(listening: Listening) -> None:
    now = listening.clock.now()
    async with listening.provider.parts.database.begin() as tx:
        await remembered.remember(
            tx,
            Remembered(
                series=uuid4(),
                user_id=listening.person,
                device_id=listening.device,
                secret_hash=b"s" * 32,
                former_hash=None,
                rotated_at=now,
                created_at=now,
                last_used_at=now,
                expires_at=now + timedelta(days=30),
                ends_at=now + timedelta(days=30),
                seen_at=now,
            ),
        )


@pytest.mark.parametrize(
    ("kind", "change", "ends"),
    [
        (EventKind.CREDENTIAL_CHANGE, "revoke", True),
        (EventKind.CREDENTIAL_COMPROMISE, None, True),
        (EventKind.CREDENTIAL_CHANGE, "create", False),
        (EventKind.CREDENTIAL_CHANGE, "update", False),
        (EventKind.CREDENTIAL_CHANGE, "delete", False),
    ],
)
async def test_a_credential_that_is_revoked_demands_a_new_proof(
    listening: Listening, kind: EventKind, change: str | None, ends: bool
) -> None:
    await remember(listening)
    said = {"credential_type": "password", **({"change_type": change} if change else {})}
    token = listening.transmitter.token_of(listening.transmitter.claims(kind, said, listening.by_mail()))
    assert await listening.push(token) == 202
    assert (await listening.end_reason() == "response") is ends
    assert (await listening.rows("SELECT 1 FROM idp.remembered_browser") == []) is ends
    assert await listening.outcomes() == ["acted" if ends else "recorded"]


async def trust(listening: Listening) -> str | None:
    async with listening.provider.parts.database.connect() as tx:
        person = await people_now.person_now(tx, listening.person, HOUSE, listening.device)
    assert person is not None
    return person.device_trust


def compliance(listening: Listening, status: str, **changed: object) -> str:
    said = {"previous_status": "compliant", "current_status": status, **changed}
    subject = {
        "format": "complex",
        "user": listening.by_mail(),
        "device": listening.opaque(listening.device),
    }
    return listening.transmitter.token_of(
        listening.transmitter.claims(EventKind.DEVICE_COMPLIANCE_CHANGE, said, subject)
    )


@pytest.mark.parametrize("chosen", ["end", "step_up", "distrust", "record"])
async def test_a_device_that_does_not_comply(listening: Listening, chosen: str) -> None:
    await listening.effects(device_compliance_change=chosen)
    assert await trust(listening) == "known"
    assert await listening.push(compliance(listening, "not-compliant")) == 202
    assert await trust(listening) == ("known" if chosen == "record" else "unknown")
    session = await listening.session()
    assert session.end_reason == ("response" if chosen == "end" else None)
    assert session.acr == ("urn:munjigi:acr:1" if chosen == "step_up" else "urn:munjigi:acr:2")
    assert ("mfa" in session.amr) is (chosen != "step_up")
    assert await listening.push(compliance(listening, "compliant")) == 202
    assert await trust(listening) == "known"
    assert await listening.outcomes() == (["recorded"] * 2 if chosen == "record" else ["acted"] * 2)


async def test_the_next_tokens_of_a_weakened_session_say_so(listening: Listening) -> None:
    provider = listening.provider
    await listening.effects(device_compliance_change="step_up")
    app, browser = await provider.register(), provider.browser()
    async with provider.parts.database.begin() as tx:
        await provider.parts.one_session.end(tx, listening.sid, "sign_out", correlation_id="c")
    code = await provider.sign_in(browser, app, listening.person, "pwd", "otp", "mfa")
    tokens = (await provider.redeem(app, code)).json()
    before = claims_of(tokens["access_token"])
    listening.device = UUID(str(before["device"]["id"]))
    assert before["acr"] == "urn:munjigi:acr:2"
    assert await listening.push(compliance(listening, "not-compliant")) == 202
    after = claims_of((await provider.refresh(app, tokens["refresh_token"])).json()["access_token"])
    assert after["sid"] == before["sid"]
    assert (after["acr"], after["device"]["trust"]) == ("urn:munjigi:acr:1", "unknown")
    # whoever needs two factors asks for the second one again
    await browser.follow(await browser.get(app.request(acr_values="urn:munjigi:acr:2")))
    assert "/callback" not in browser.address


def claims_of(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    return msgspec.json.decode(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)), type=dict[str, Any])


async def test_only_a_session_on_that_device_follows(listening: Listening) -> None:
    elsewhere = await add_device(listening.provider, listening.person, listening.clock)
    async with listening.provider.parts.database.begin() as tx:
        await listening.provider.parts.one_session.end(tx, listening.sid, "sign_out", correlation_id="c")
    other = await listening.begin(listening.person, elsewhere)
    assert await listening.push(compliance(listening, "not-compliant")) == 202
    assert await listening.end_reason(other) is None
    assert await trust(listening) == "unknown"


async def test_what_was_said_of_a_device_later_stands(listening: Listening) -> None:
    now = int(listening.clock.timestamp())
    assert await listening.push(compliance(listening, "compliant", event_timestamp=now)) == 202
    assert await listening.push(compliance(listening, "not-compliant", event_timestamp=now - 60)) == 202
    assert await trust(listening) == "known"
    assert await listening.end_reason() is None
    assert await listening.outcomes() == ["acted", "nobody"]


async def test_a_transmitter_that_is_gone_vouches_for_nothing(listening: Listening) -> None:
    assert await listening.push(compliance(listening, "not-compliant")) == 202
    async with listening.provider.parts.database.begin() as tx:
        await signal_transmitters.remove(tx, listening.known.id)
    assert await trust(listening) == "known"
    assert (await listening.push(compliance(listening, "compliant")), listening.err) == (400, "authentication_failed")


async def test_what_the_organisation_does_not_act_on_is_recorded(listening: Listening) -> None:
    await listening.effects(session_revoked="record", credential_change="record")
    transmitter, person = listening.transmitter, listening.by_mail()
    for kind, said in (
        (EventKind.SESSION_REVOKED, {}),
        (EventKind.CREDENTIAL_CHANGE, {"change_type": "revoke"}),
        (EventKind.CREDENTIAL_COMPROMISE, {}),
        (ASSURANCE, {"current_level": "nist-aal1"}),
        (EventKind.VERIFICATION, {"state": "x"}),
        ("urn:example:anything", {}),
    ):
        assert await listening.push(transmitter.token_of(transmitter.claims(kind, said, person))) == 202
    assert await listening.outcomes() == ["recorded"] * 6
    assert await listening.end_reason() is None


async def test_what_comes_is_counted(listening: Listening) -> None:
    def counted(event: str, outcome: str) -> float:
        labels = {"event": event, "outcome": outcome}
        return REGISTRY.get_sample_value("munjigi_signals_received_total", labels) or 0.0

    before = counted("session-revoked", "acted"), counted("other", "recorded"), counted("unread", "invalid_key")
    await listening.push(listening.transmitter.revoked(listening.by_mail()))
    claims = listening.transmitter.claims("urn:example:anything", {}, listening.by_mail())
    await listening.push(listening.transmitter.token_of(claims))
    await listening.push(listening.transmitter.token_of(claims, kid="unheard of"))
    listening.clock.advance(AGAIN_AFTER)
    await listening.push(listening.transmitter.token_of(claims, kid="unheard of"))
    after = counted("session-revoked", "acted"), counted("other", "recorded"), counted("unread", "invalid_key")
    assert [b - a for a, b in zip(before, after, strict=True)] == [1, 1, 1]


# --- refusals


async def refused(listening: Listening, token: str | bytes, **headers: str | None) -> str:
    """The code of a refusal; nothing followed."""
    status = await listening.push(token, **headers)
    assert status == 400, status
    assert await listening.end_reason() is None
    assert await listening.rows("SELECT 1 FROM idp.signal_received") == []
    return listening.err


async def test_whoever_shows_another_token_is_told_nothing_else(listening: Listening) -> None:
    token = listening.transmitter.revoked(listening.by_mail())
    for shown in (None, "", "Bearer", "Bearer wrong", f"Basic {listening.transmitter.token}", "Bearer x" * 9000):
        assert await refused(listening, token, Authorization=shown) == "authentication_failed"
    said = []
    for ident in (listening.known.id, uuid4(), "nonsense"):
        answer = await listening.transmitter.push(
            f"http://127.0.0.1:{listening.port}/signals/receive/{ident}", token, Authorization="Bearer wrong"
        )
        said.append((answer.status_code, answer.content))
    assert len(set(said)) == 1, "nobody learns which transmitters there are"
    records = await listening.rows("SELECT details FROM audit.record WHERE kind = 'signal_refused'")
    assert {row.details["err"] for row in records} == {"authentication_failed"}
    [kept] = await listening.rows("SELECT problem FROM idp.signal_transmitter")
    assert kept.problem == "", "strangers write nothing into what administrators read"


async def test_a_stream_that_is_disabled_or_polled_takes_no_push(listening: Listening) -> None:
    token = listening.transmitter.revoked(listening.by_mail())
    await listening.listen(status="disabled")
    assert await refused(listening, token) == "access_denied"
    await listening.listen(status="enabled", delivery="poll", poll_uri="https://other.example/poll")
    assert await refused(listening, token) == "authentication_failed"


@pytest.mark.parametrize(
    ("changed", "err"),
    [
        ({"iss": "https://another.example"}, "invalid_issuer"),
        ({"iss": None}, "invalid_issuer"),
        ({"aud": "somebody else"}, "invalid_audience"),
        ({"aud": ["somebody", "else"]}, "invalid_audience"),
        ({"aud": None}, "invalid_audience"),
        ({"jti": None}, "invalid_request"),
        ({"jti": ""}, "invalid_request"),
        ({"jti": "a\0b"}, "invalid_request"),
        ({"jti": "x" * 256}, "invalid_request"),
        ({"jti": 7}, "invalid_request"),
        ({"iat": None}, "invalid_request"),
        ({"iat": True}, "invalid_request"),
        ({"iat": "now"}, "invalid_request"),
        ({"iat": 1e300}, "invalid_request"),
        ({"iat": -1}, "invalid_request"),
        ({"exp": 4_000_000_000}, "invalid_request"),
        ({"sub": "somebody"}, "invalid_request"),
        ({"events": None}, "invalid_request"),
        ({"events": {}}, "invalid_request"),
        ({"events": []}, "invalid_request"),
        ({"events": {EventKind.SESSION_REVOKED.value: []}}, "invalid_request"),
        ({"events": {EventKind.CREDENTIAL_CHANGE.value: {"change_type": "grow"}}}, "invalid_request"),
        ({"events": {EventKind.DEVICE_COMPLIANCE_CHANGE.value: {}}}, "invalid_request"),
        ({"events": {EventKind.SESSION_REVOKED.value: {"event_timestamp": "then"}}}, "invalid_request"),
        ({"sub_id": None}, "invalid_request"),
        ({"sub_id": "mina"}, "invalid_request"),
        ({"sub_id": {"format": "email"}}, "invalid_request"),
        ({"sub_id": {"format": "email", "email": "a\0@b.example"}}, "invalid_request"),
        ({"sub_id": {"format": "complex", "user": {"format": "complex"}}}, "invalid_request"),
        ({"sub_id": {"format": "aliases", "identifiers": [{"format": "aliases"}]}}, "invalid_request"),
        ({"sub_id": {"format": "aliases", "identifiers": []}}, "invalid_request"),
        ({"txn": 5}, "invalid_request"),
    ],
)
async def test_claims_that_cannot_be(listening: Listening, changed: dict[str, object], err: str) -> None:
    assert await refused(listening, listening.transmitter.revoked(listening.by_mail(), **changed)) == err
    [kept] = await listening.rows("SELECT problem, problem_at FROM idp.signal_transmitter")
    assert kept.problem.startswith(err)
    assert kept.problem_at == listening.clock.now()


async def test_times_at_their_boundaries(listening: Listening) -> None:
    now = int(listening.clock.timestamp())
    transmitter, person = listening.transmitter, listening.by_mail()
    assert await refused(listening, transmitter.revoked(person, iat=now - int(OLDEST.total_seconds())))
    assert await refused(listening, transmitter.revoked(person, iat=now + 6)) == "invalid_request"
    assert await listening.push(transmitter.revoked(person, iat=now + 5)) == 202
    assert await listening.push(transmitter.revoked(person, iat=now - int(OLDEST.total_seconds()) + 1)) == 202


@pytest.mark.parametrize(
    ("header", "err"),
    [
        ({"typ": "JWT"}, "invalid_request"),
        ({"typ": None}, "invalid_request"),
        ({"typ": "at+jwt"}, "invalid_request"),
        ({"kid": None}, "invalid_key"),
        ({"crit": ["b64"], "b64": True}, "invalid_request"),
    ],
)
async def test_headers_that_cannot_be(listening: Listening, header: dict[str, object], err: str) -> None:
    claims = listening.transmitter.claims(EventKind.SESSION_REVOKED, {}, listening.by_mail())
    assert await refused(listening, listening.transmitter.token_of(claims, **header)) == err


async def test_the_type_is_a_media_type(listening: Listening) -> None:
    claims = listening.transmitter.claims(EventKind.SESSION_REVOKED, {}, listening.by_mail())
    assert await listening.push(listening.transmitter.token_of(claims, typ="application/SecEvent+JWT")) == 202


async def test_signatures_that_cannot_be(listening: Listening) -> None:
    transmitter = listening.transmitter
    claims = transmitter.claims(EventKind.SESSION_REVOKED, {}, listening.by_mail())
    good = transmitter.token_of(claims)
    head, body, signature = good.split(".")
    other = transmitter.token_of({**claims, "jti": "another"}).split(".")[1]
    assert await refused(listening, f"{head}.{other}.{signature}") == "invalid_key"
    none = "eyJhbGciOiJub25lIiwidHlwIjoic2VjZXZlbnQrand0Iiwia2lkIjoib25lIn0"
    assert await refused(listening, f"{none}.{body}.") == "invalid_request"
    stranger = ECKey.generate_key("P-256", {"kid": "one"})
    transmitter.key, theirs = stranger, transmitter.key
    transmitter.published = [theirs]
    carried = transmitter.token_of(claims, jwk=stranger.as_dict(private=False), jku="https://x.example/jwks")
    assert await refused(listening, carried) == "invalid_key"
    # the public key taken for a shared secret
    secret = OctKey.import_key(msgspec.json.encode(theirs.as_dict(private=False)), {"kid": "one"})
    transmitter.key, transmitter.algorithm = secret, "HS256"  # type: ignore[assignment]
    assert await refused(listening, transmitter.token_of(claims)) == "invalid_request"


@pytest.mark.parametrize(
    "body",
    [b"", b"x", b"a.b.c", b"\xff" * 20, b"x" * 16_385, b'{"jws": true}', b"e30.e30.e30", b"." * 100],
)
async def test_poison_in_the_body(listening: Listening, body: bytes) -> None:
    assert await refused(listening, body) == "invalid_request"


async def test_poison_in_what_is_signed(listening: Listening) -> None:
    transmitter = listening.transmitter
    deep: object = {"format": "email", "email": "x"}
    for _ in range(300):
        deep = {"format": "complex", "user": deep}
    poisons: list[object] = [
        [],
        "text",
        7,
        {},
        transmitter.claims(EventKind.SESSION_REVOKED, {}, deep),
        transmitter.claims("\0", {}, listening.by_mail()),
        transmitter.claims("x" * 300, {}, listening.by_mail()),
    ]
    for poison in poisons:
        assert await listening.push(transmitter.token_of(poison)) == 400, poison
        assert listening.err in ("invalid_request", "invalid_issuer")
    assert await listening.end_reason() is None
    assert await listening.push(transmitter.revoked(listening.by_mail())) == 202


async def test_what_is_no_security_event_by_its_media_type(listening: Listening) -> None:
    token = listening.transmitter.revoked(listening.by_mail())
    for kind in (None, "application/json", "application/jwt", "text/plain"):
        assert await refused(listening, token, **{"Content-Type": kind}) == "invalid_request"
    assert await listening.push(token, **{"Content-Type": "Application/SecEvent+JWT; charset=utf-8"}) == 202


# --- keys


@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
async def test_the_other_algorithms(listening: Listening, algorithm: str) -> None:
    listening.transmitter.algorithm = algorithm
    listening.transmitter.key = RSAKey.generate_key(2048, {"kid": "rsa"})
    assert await listening.push(listening.transmitter.revoked(listening.by_mail())) == 202
    assert await listening.end_reason() == "response"


async def test_keys_are_fetched_once_and_a_new_one_is_fetched_for(listening: Listening) -> None:
    transmitter = listening.transmitter
    for _ in range(3):
        assert await listening.push(transmitter.revoked(listening.by_mail())) == 202
    assert transmitter.fetches == 1
    transmitter.key = ECKey.generate_key("P-256", {"kid": "two"})
    # a moment ago they were asked for: nobody can say yet, so it is neither taken nor refused
    assert await listening.push(transmitter.revoked(listening.by_mail())) == 503
    assert transmitter.fetches == 1
    listening.clock.advance(AGAIN_AFTER)
    assert await listening.push(transmitter.revoked(listening.by_mail())) == 202
    assert transmitter.fetches == 2
    # of a key that was never published the set is fetched once in a while, however many ask
    listening.clock.advance(AGAIN_AFTER)
    stray = transmitter.token_of(transmitter.claims(EventKind.SESSION_REVOKED, {}, listening.by_mail()), kid="three")
    assert await listening.push(stray) == 400
    assert listening.err == "invalid_key"
    assert {await listening.push(stray) for _ in range(5)} == {503}
    assert transmitter.fetches == 3


async def test_a_key_that_was_withdrawn_verifies_no_more(listening: Listening) -> None:
    transmitter = listening.transmitter
    assert await listening.push(transmitter.revoked(listening.by_mail())) == 202
    transmitter.published = [ECKey.generate_key("P-256", {"kid": "two"})]
    listening.clock.advance(FRESH)
    assert await listening.push(transmitter.revoked(listening.by_mail())) == 400
    assert listening.err == "invalid_key"


async def test_while_the_keys_are_away_it_comes_again(listening: Listening) -> None:
    listening.transmitter.jwks_status = 500
    token = listening.transmitter.revoked(listening.by_mail())
    answer = await listening.transmitter.push(listening.address, token)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert answer.json()["code"] == "MJ-IDP-221"
    [kept] = await listening.rows("SELECT problem FROM idp.signal_transmitter")
    assert kept.problem == "keys: it answered 500"
    listening.transmitter.jwks_status = 200
    listening.clock.advance(AGAIN_AFTER)
    assert await listening.push(token) == 202
    assert await listening.end_reason() == "response"


@pytest.mark.parametrize("uri", ["http://169.254.169.254/jwks", "https://10.0.0.1/jwks", "https://[fd00::1]:1/jwks"])
async def test_keys_are_asked_of_nobody_inside(listening: Listening, uri: str) -> None:
    await listening.listen(jwks_uri=uri)
    assert await listening.push(listening.transmitter.revoked(listening.by_mail())) == 503
    [kept] = await listening.rows("SELECT problem FROM idp.signal_transmitter")
    assert kept.problem == "keys: its address is not public"


async def test_a_key_for_something_else_verifies_nothing(listening: Listening) -> None:
    transmitter = listening.transmitter
    claims = transmitter.claims(EventKind.SESSION_REVOKED, {}, listening.by_mail())
    key = ECKey.import_key({**transmitter.key.as_dict(private=False), "kid": "one", "use": "enc"})
    transmitter.published = [key]
    assert await refused(listening, transmitter.token_of(claims)) == "invalid_key"


async def test_a_stream_without_a_token_lets_nobody_in(listening: Listening) -> None:
    token = listening.transmitter.revoked(listening.by_mail())
    await listening.listen(token_digest=None)
    for shown in ("Bearer", f"Bearer {listening.transmitter.token}"):
        assert await refused(listening, token, Authorization=shown) == "authentication_failed"

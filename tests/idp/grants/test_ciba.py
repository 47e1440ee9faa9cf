"""CIBA, polled: from a hint to tokens of the session of whoever allowed it, and of nobody else's."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from unittest.mock import patch
from uuid import uuid4

import httpx2
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from idp.credentials.throttle import BACKCHANNEL_OF_CLIENT
from idp.endpoints.backchannel_notices import BackchannelNotices
from idp.grants.ciba import CIBA
from idp.grants.device_code import DEVICE_CODE
from idp.grants.pending import code_hash
from idp.protocol.assurance import ACR_ONE, ACR_TWO
from idp.storage import pending_grants, protocol_sweep
from idp.sweeper import build_sweeper
from tests.clock import FakeClock
from tests.idp.account.conftest import Arrive, digits, hidden
from tests.idp.grants.backchannel import answer, ask, begin, error, poll, till_of
from tests.idp.grants.programs import change, claims
from tests.idp.login_pages.test_sign_in import kinds
from tests.idp.provider import App, Provider
from tests.idp.waiting import OpenDatabase


@pytest.fixture
async def till(provider: Provider) -> App:
    return await till_of(provider)


async def rows(database: OpenDatabase) -> int:
    """How many requests wait or were answered."""
    async with database("owner").connect() as tx:
        return int((await tx.execute(text("SELECT count(*) FROM idp.pending_grant"))).scalar_one())


async def test_it_joins_the_session_of_whoever_allows_it_and_ends_with_it(
    provider: Provider, till: App, arrive: Arrive, database: OpenDatabase
) -> None:
    mina = await arrive()
    begun = await begin(provider, till, binding_message="W4SCT")
    assert (begun["expires_in"], begun["interval"]) == (600, 5)
    assert len(begun["auth_req_id"]) >= 43, "256 bits"
    assert await error(provider, till, begun) == "authorization_pending"
    page = await mina.get("/account/requests")
    for shown in ("the app asks you to sign in", "W4SCT", "127.0.0.1"):
        assert shown in page.text
    assert begun["auth_req_id"] not in page.text
    assert code_hash(begun["auth_req_id"]).hex() not in page.text
    part = (await mina.get("/account/requests?part=list")).text
    assert "W4SCT" in part
    assert "<html" not in part
    assert "<style" not in part, "whoever adds it to an open page adds no style of another answer's nonce"
    assert "Waiting for your word: 1" in (await mina.get("/account")).text
    assert "Allowed." in (await answer(mina)).text
    assert (await kinds(provider, database))[-1] == "backchannel_allowed"
    tokens = (await poll(provider, till, begun)).json()
    session = await mina.session()
    assert session is not None
    said = claims(provider, tokens["access_token"])
    assert (said["sid"], said["sub"], said["client_id"]) == (session.sid, str(mina.id), "till")
    id_token = claims(provider, tokens["id_token"])
    assert (id_token["sid"], id_token["sub"], id_token["aud"]) == (session.sid, str(mina.id), "till")
    renewed = await provider.refresh(till, tokens["refresh_token"])
    assert renewed.status_code == 200
    assert await error(provider, till, begun) == "invalid_grant"  # once, and never again
    async with provider.parts.database.begin() as tx:
        await provider.parts.one_session.end(tx, session.sid, "sign_out", correlation_id="test")
    dead = await provider.refresh(till, renewed.json()["refresh_token"])
    assert dead.json()["error"] == "invalid_grant"
    told = await provider.post("/introspect", {"token": tokens["access_token"]}, provider.basic(till))
    assert told.json() == {"active": False}


async def test_what_is_kept_of_the_secret_is_its_hash(provider: Provider, till: App, database: OpenDatabase) -> None:
    begun = await begin(provider, till)
    async with database("owner").connect() as tx:
        row = (await tx.execute(text("SELECT pending_grant::text FROM idp.pending_grant"))).scalar_one()
    assert begun["auth_req_id"] not in row
    assert code_hash(begun["auth_req_id"]).hex() in row


async def test_refused_is_refused_and_nobody_takes_a_word_back(
    provider: Provider, till: App, arrive: Arrive, database: OpenDatabase
) -> None:
    mina = await arrive()
    begun = await begin(provider, till)
    page = await mina.get("/account/requests")
    form = {"hop": hidden(page), "id": hidden(page, "id")}
    assert "Refused." in (await mina.post("/account/requests", **form, decision="refuse")).text
    assert (await kinds(provider, database))[-1] == "backchannel_refused"
    assert (await mina.post("/account/requests", **form, decision="allow")).status_code == 404
    assert await error(provider, till, begun) == "access_denied"
    assert "Nothing waits for you." in (await mina.get("/account/requests")).text


async def test_whoever_asks_too_often_must_ask_less_often(provider: Provider, till: App, clock: FakeClock) -> None:
    begun = await begin(provider, till)
    said = [await error(provider, till, begun)]
    for seconds in (4.9, 9.9, 15):
        clock.advance(seconds)
        said.append(await error(provider, till, begun))
    assert said == ["authorization_pending", "slow_down", "slow_down", "authorization_pending"]


async def test_time_runs_out_and_that_is_recorded_once(
    provider: Provider, till: App, arrive: Arrive, database: OpenDatabase, clock: FakeClock
) -> None:
    mina = await arrive()
    begun = await begin(provider, till, requested_expiry="60")
    assert begun["expires_in"] == 60
    page = await mina.get("/account/requests")
    form = {"hop": hidden(page), "id": hidden(page, "id"), "decision": "allow"}
    sweeper = build_sweeper(provider.parts.settings, database("worker"), provider.parts.valkey, clock)
    clock.advance(59.9)
    await sweeper.step()
    assert "backchannel_expired" not in await kinds(provider, database)
    clock.advance(0.1)
    assert (await mina.post("/account/requests", **form)).status_code == 404
    assert await error(provider, till, begun) == "expired_token"
    for _ in range(2):
        clock.advance(60)
        await sweeper.step()
    assert (await kinds(provider, database)).count("backchannel_expired") == 1
    assert (await mina.kinds()).count("backchannel_expired") == 1
    assert await error(provider, till, begun) == "expired_token"
    clock.advance(3601)
    async with provider.parts.database.begin() as tx:
        await protocol_sweep.sweep(tx, clock.now())
    assert await error(provider, till, begun) == "invalid_grant"


async def test_a_name_that_nobody_has_is_answered_like_any_other(
    provider: Provider, till: App, arrive: Arrive, database: OpenDatabase, clock: FakeClock
) -> None:
    mina = await arrive()
    known, unknown = await begin(provider, till), await begin(provider, till, login_hint="nobody at all")
    assert {name: value for name, value in known.items() if name != "auth_req_id"} == {
        name: value for name, value in unknown.items() if name != "auth_req_id"
    }
    assert len(known["auth_req_id"]) == len(unknown["auth_req_id"])
    assert await error(provider, till, known) == await error(provider, till, unknown) == "authorization_pending"
    assert (await mina.get("/account/requests")).text.count('name="id"') == 1
    assert [letter.kind for letter in await mina.letters()] == ["sign_in_request"]
    for hint in ("mina", "nobody at all"):
        said = [(await ask(provider, till, login_hint=hint)).status_code for _ in range(10)]
        assert said == [200] * 9 + [429], hint
    clock.advance(600)
    assert await error(provider, till, known) == await error(provider, till, unknown) == "expired_token"


async def test_whoever_may_not_sign_in_is_not_asked(
    provider: Provider, till: App, arrive: Arrive, database: OpenDatabase
) -> None:
    mina = await arrive()
    async with database("owner").begin() as tx:
        await tx.execute(text("UPDATE idp.user_account SET state = 'locked' WHERE id = :id"), {"id": mina.id})
    assert await error(provider, till, await begin(provider, till)) == "authorization_pending"
    assert await mina.letters() == []


async def test_the_mail_leads_to_the_page_and_lets_nobody_in(provider: Provider, till: App, arrive: Arrive) -> None:
    mina = await arrive()
    begun = await begin(provider, till, binding_message="W4SCT", requested_expiry="120")
    (letter,) = await mina.letters()
    assert letter.kind == "sign_in_request"
    assert letter.facts["requests"] == f"{provider.parts.issuer}/account/requests"
    assert (letter.facts["app"], letter.facts["message"], letter.facts["minutes"]) == ("앱", "W4SCT", "2")
    assert begun["auth_req_id"] not in str(letter.facts)
    stranger = await provider.browser().get("/account/requests")
    assert stranger.status_code == 401
    assert "/account/sign-in?to=%2Faccount%2Frequests" in stranger.text
    led = await provider.browser().get("/account/back?state=%2Faccount%2Frequests")
    assert led.headers["location"] == "/account/requests"


async def test_a_crash_after_the_answer_loses_no_mail(
    provider: Provider, till: App, arrive: Arrive, database: OpenDatabase, clock: FakeClock
) -> None:
    """What is to be told is kept with the request: a process that dies leaves it to the sweeper, which tells once."""
    mina = await arrive()
    sweeper = build_sweeper(provider.parts.settings, database("worker"), provider.parts.valkey, clock)
    with patch.object(BackchannelNotices, "tell", side_effect=ProcessLookupError), pytest.raises(ProcessLookupError):
        await begin(provider, till, binding_message="W4SCT", requested_expiry="120")
    with patch.object(BackchannelNotices, "tell", side_effect=ProcessLookupError), pytest.raises(ProcessLookupError):
        await begin(provider, till, login_hint="nobody at all")
    assert await rows(database) == 2
    assert await mina.letters() == []
    await asyncio.gather(sweeper.step(), sweeper.step())
    (letter,) = await mina.letters()
    assert (letter.kind, letter.facts["app"], letter.facts["message"]) == ("sign_in_request", "앱", "W4SCT")
    assert letter.facts["minutes"] == "2"
    assert letter.facts["requests"] == f"{provider.parts.issuer}/account/requests"


async def test_nobody_is_mailed_of_what_is_over(
    provider: Provider, till: App, arrive: Arrive, database: OpenDatabase, clock: FakeClock
) -> None:
    mina = await arrive()
    with patch.object(BackchannelNotices, "tell", side_effect=ProcessLookupError), pytest.raises(ProcessLookupError):
        await begin(provider, till, requested_expiry="60")
    clock.advance(60)
    await build_sweeper(provider.parts.settings, database("worker"), provider.parts.valkey, clock).step()
    assert await mina.letters() == []


async def test_nobody_answers_for_somebody_else(
    provider: Provider, till: App, arrive: Arrive, database: OpenDatabase
) -> None:
    mina, other = await arrive(), await arrive("jun", address="203.0.113.8")
    begun = await begin(provider, till)
    request_id = hidden(await mina.get("/account/requests"), "id")
    assert "Nothing waits for you." in (await other.get("/account/requests")).text
    for crossed, status in (
        (await other.post("/account/requests", id=request_id, decision="allow"), 404),
        (await mina.post("/account/requests", id=str(uuid4()), decision="allow"), 404),
        (await mina.post("/account/requests", id="../1", decision="allow"), 404),
        (await mina.post("/account/requests", decision="allow"), 404),
        (await mina.post("/account/requests", hop="made up", id=request_id, decision="allow"), 403),
        (await mina.post("/account/requests", hop=await other.hop(), id=request_id, decision="allow"), 403),
        (await provider.browser().post("/account/requests", {"id": request_id, "decision": "allow"}), 401),
    ):
        assert crossed.status_code == status
    assert await error(provider, till, begun) == "authorization_pending"
    async with provider.parts.database.connect() as tx:
        pending = await pending_grants.claim(tx, code_hash(begun["auth_req_id"]))
    assert pending is not None
    with pytest.raises(ValueError, match="somebody else"):
        pending.answered(other.id, "a sid", allowed=True)
    session = await other.session()
    assert session is not None
    forged = replace(pending, state="approved", user_id=other.id, sid=session.sid)
    with pytest.raises(IntegrityError, match="pending_grant_nobody_else"):
        async with provider.parts.database.begin() as tx:
            await pending_grants.save(tx, forged)


async def test_a_word_that_is_no_word_is_a_refusal(provider: Provider, till: App, arrive: Arrive) -> None:
    mina = await arrive()
    begun = await begin(provider, till)
    await answer(mina, "perhaps")
    assert await error(provider, till, begun) == "access_denied"


async def test_two_clients_and_two_grants_take_nothing_of_each_other(
    provider: Provider, till: App, arrive: Arrive
) -> None:
    mina, other = await arrive(), await till_of(provider, "kiosk")
    await change(provider, other, grant_types=(CIBA, DEVICE_CODE))
    await change(provider, till, grant_types=(CIBA, DEVICE_CODE))
    begun = await begin(provider, till)
    await answer(mina)
    device = (await provider.post("/device_authorization", {"scope": "openid"}, provider.basic(till))).json()
    assert await error(provider, other, begun) == "invalid_grant"
    crossed = await provider.token(till, grant_type=DEVICE_CODE, device_code=begun["auth_req_id"])
    assert crossed.json()["error"] == "invalid_grant"
    assert await error(provider, till, {"auth_req_id": device["device_code"]}) == "invalid_grant"
    assert await error(provider, till, {"auth_req_id": "made up"}) == "invalid_grant"
    assert await error(provider, till, {"auth_req_id": ""}) == "invalid_request"
    public = await provider.token(App("till", None), grant_type=CIBA, auth_req_id=begun["auth_req_id"])
    assert public.json()["error"] == "invalid_client"
    assert (await poll(provider, till, begun)).status_code == 200  # nothing of it was burnt


async def test_of_many_questions_at_once_one_gets_tokens(provider: Provider, till: App, arrive: Arrive) -> None:
    mina = await arrive()
    begun = await begin(provider, till)
    await answer(mina)
    answers = await asyncio.gather(*(poll(provider, till, begun) for _ in range(12)))
    assert sorted(one.status_code for one in answers) == [200] + [400] * 11
    assert {one.json().get("error") for one in answers} == {None, "invalid_grant"}


async def test_word_and_question_at_once(provider: Provider, till: App, arrive: Arrive) -> None:
    """Both take the row before the session: neither waits in a circle, and the word counts."""
    mina = await arrive()
    begun = await begin(provider, till)
    _, *answers = await asyncio.gather(answer(mina), *(poll(provider, till, begun) for _ in range(4)))
    assert {one.status_code for one in answers} <= {200, 400}
    if 200 not in {one.status_code for one in answers}:
        assert (await poll(provider, till, begun)).status_code == 200


async def test_of_two_words_at_once_one_counts(provider: Provider, till: App, arrive: Arrive) -> None:
    mina = await arrive()
    begun = await begin(provider, till)
    page = await mina.get("/account/requests")
    form = {"hop": hidden(page), "id": hidden(page, "id")}
    both = await asyncio.gather(
        *(mina.browser.post("/account/requests", {**form, "decision": word}) for word in ("allow", "refuse"))
    )
    assert sorted(one.status_code for one in both) == [303, 404]
    said = await poll(provider, till, begun)
    assert said.status_code == (200 if both[0].status_code == 303 else 400)


async def test_a_session_that_ended_between_word_and_question_gives_nothing(
    provider: Provider, till: App, arrive: Arrive
) -> None:
    mina = await arrive()
    begun = await begin(provider, till)
    await answer(mina)
    await mina.move("203.0.113.9")
    assert await error(provider, till, begun) == "invalid_grant"


async def test_a_session_that_is_over_and_not_swept_yet_gives_nothing(
    provider: Provider, till: App, arrive: Arrive, clock: FakeClock
) -> None:
    mina = await arrive()
    clock.advance(100)
    begun = await begin(provider, till, requested_expiry="1800")
    await answer(mina)
    session = await mina.session()
    assert session is not None
    clock.advance((session.idle_expires_at - clock.now()).total_seconds())
    assert await error(provider, till, begun) == "invalid_grant", "idle for too long, although the request is not over"


async def test_what_was_allowed_and_not_fetched_goes_when_the_app_is_disconnected(
    provider: Provider, till: App, arrive: Arrive
) -> None:
    mina = await arrive()
    fetched = await begin(provider, till)
    await answer(mina)
    assert (await poll(provider, till, fetched)).status_code == 200
    later = await begin(provider, till)
    await answer(mina)
    assert (await mina.post("/account/apps/disconnect", id="till")).status_code == 200
    assert await error(provider, till, later) == "invalid_grant"


async def test_a_session_that_was_taken_over_allows_nothing(provider: Provider, till: App, arrive: Arrive) -> None:
    mina = await arrive()
    begun = await begin(provider, till)
    page, before = await mina.get("/account/requests"), mina.browser
    await mina.move("203.0.113.9")
    form = {"hop": hidden(page), "id": hidden(page, "id"), "decision": "allow"}
    assert (await before.post("/account/requests", form)).status_code == 401
    assert await error(provider, till, begun) == "authorization_pending"


async def test_who_must_be_known_better_proves_it_first(provider: Provider, till: App, arrive: Arrive) -> None:
    mina = await arrive()
    begun = await begin(provider, till, acr_values=ACR_TWO)
    page = await mina.get("/account/requests")
    assert "/account/factors" in page.text, "she has no second factor yet"
    assert 'value="allow"' not in page.text
    forced = await mina.post("/account/requests", id=hidden(page, "id"), decision="allow")
    assert forced.status_code == 403
    assert await error(provider, till, begun) == "authorization_pending"

    jun = await arrive("jun", with_totp=True)
    session = await jun.session()
    assert session is not None
    async with provider.parts.database.begin() as tx:  # as if this session had begun by a password alone
        await tx.execute(
            text("UPDATE idp.session SET amr = '{pwd}', acr = :acr, version = version + 1 WHERE sid = :sid"),
            {"sid": session.sid, "acr": ACR_ONE},
        )
    begun = await begin(provider, till, login_hint="jun", acr_values=ACR_TWO)
    page = await jun.get("/account/requests")
    assert "/account/confirm?to=%2Faccount%2Frequests" in page.text
    request_id = hidden(page, "id")
    assert (await jun.post("/account/requests", id=request_id, decision="allow")).status_code == 403
    passed = await jun.post("/account/confirm", code=digits(provider), to="/account/requests")
    assert 'value="allow"' in passed.text
    assert "Allowed." in (await jun.post("/account/requests", id=request_id, decision="allow")).text
    tokens = (await poll(provider, till, begun)).json()
    assert claims(provider, tokens["id_token"])["acr"] == ACR_TWO


async def test_a_resource_is_granted_as_it_was_asked_for(provider: Provider, arrive: Arrive) -> None:
    there = "https://api.example/"
    till, mina = await till_of(provider, resources=(there,)), await arrive()
    begun = await begin(provider, till, resource=there)
    await answer(mina)
    wrong = await provider.token(till, grant_type=CIBA, auth_req_id=begun["auth_req_id"], resource="https://b.example/")
    assert wrong.json()["error"] == "invalid_target"
    tokens = (await poll(provider, till, begun)).json()
    assert claims(provider, tokens["access_token"])["aud"] == there
    refused = await ask(provider, till, resource="https://elsewhere.example/")
    assert refused.json()["error"] == "invalid_target"


async def test_by_an_id_token_of_the_same_client(provider: Provider, till: App, app: App, arrive: Arrive) -> None:
    mina = await arrive()
    begun = await begin(provider, till)
    await answer(mina)
    id_token = (await poll(provider, till, begun)).json()["id_token"]
    again = await begin(provider, till, id_token_hint=id_token)
    await answer(mina)
    assert (await poll(provider, till, again)).status_code == 200
    kiosk = await till_of(provider, "kiosk")
    for hint in (id_token[:-4] + "AAAA", "a.b.c", "x"):
        assert (await ask(provider, till, id_token_hint=hint)).json()["error"] == "unknown_user_id"
    assert (await ask(provider, kiosk, id_token_hint=id_token)).json()["error"] == "unknown_user_id"


REFUSED: tuple[tuple[dict[str, str], str], ...] = (
    ({"scope": ""}, "invalid_request"),
    ({"scope": "profile"}, "invalid_scope"),
    ({"scope": "openid more"}, "invalid_scope"),
    ({"login_hint": ""}, "invalid_request"),
    ({"login_hint": "mina", "id_token_hint": "a.b.c"}, "invalid_request"),
    ({"login_hint_token": "a.b.c"}, "invalid_request"),
    ({"login_hint": "m" * 2049}, "invalid_request"),
    ({"login_hint": "mi\0na"}, "invalid_request"),
    ({"binding_message": "m" * 101}, "invalid_binding_message"),
    ({"binding_message": "two\nlines"}, "invalid_binding_message"),
    ({"binding_message": "turned \u202egninrut"}, "invalid_binding_message"),
    ({"requested_expiry": "0"}, "invalid_request"),
    ({"requested_expiry": "-1"}, "invalid_request"),
    ({"requested_expiry": "soon"}, "invalid_request"),
    ({"requested_expiry": "٣"}, "invalid_request"),
    ({"request": "a.b.c"}, "invalid_request"),
)


async def test_what_is_refused_keeps_nothing(provider: Provider, till: App, app: App, database: OpenDatabase) -> None:
    for form, code in REFUSED:
        refused = await ask(provider, till, **form)
        assert (refused.status_code, refused.json()["error"]) == (400, code), form
        assert refused.json()["code"].startswith("MJ-IDP-")
    wrong = httpx2.BasicAuth("till", "wrong")
    stranger = await provider.post("/bc-authorize", {"scope": "openid", "login_hint": "mina"}, wrong)
    assert (stranger.status_code, stranger.json()["error"]) == (401, "invalid_client")
    assert (await ask(provider, app)).json()["error"] == "unauthorized_client"
    public = await provider.register("public", auth_method="none")
    await change(provider, public, grant_types=(CIBA,))
    form = {"client_id": "public", "scope": "openid", "login_hint": "mina"}
    assert (await provider.post("/bc-authorize", form)).json()["error"] == "unauthorized_client"
    async with provider.client() as client:
        for body in ("scope=openid&login_hint=mina&login_hint=jun", "scope=openid&login_hint=" + "m" * 70_000):
            doubled = await client.post(
                "/bc-authorize",
                content=body,
                headers={"Content-Type": "application/x-www-form-urlencoded"},
                auth=httpx2.BasicAuth("till", till.secret or ""),
            )
            assert doubled.json()["error"] == "invalid_request"
    assert await rows(database) == 0


async def test_a_client_that_knows_people_by_identifiers_of_its_own_names_them_so(
    provider: Provider, arrive: Arrive
) -> None:
    mina = await arrive()
    till = await till_of(provider, subject_type="pairwise", sector_identifier_uri="https://till.example/sector")
    begun = await begin(provider, till)
    await answer(mina)
    id_token = (await poll(provider, till, begun)).json()["id_token"]
    assert claims(provider, id_token)["sub"] != str(mina.id)
    again = await begin(provider, till, id_token_hint=id_token)
    await answer(mina)
    assert claims(provider, (await poll(provider, till, again)).json()["id_token"])["sid"]


async def test_a_person_is_asked_so_often_by_all_together(provider: Provider, arrive: Arrive) -> None:
    await arrive()
    tills = [await till_of(provider, f"till-{number}") for number in range(4)]
    for till in tills[:3]:
        assert {(await ask(provider, till)).status_code for _ in range(10)} == {200}
    refused = await ask(provider, tills[3])
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert (await ask(provider, tills[3], login_hint="jun")).status_code == 200


async def test_a_client_asks_so_often_for_all_of_its_people(
    provider: Provider, till: App, database: OpenDatabase
) -> None:
    kiosk = await till_of(provider, "kiosk")
    for _ in range(BACKCHANNEL_OF_CLIENT.attempts):
        assert (await ask(provider, till, scope="profile")).status_code == 400
    assert (await ask(provider, till)).status_code == 429
    assert await rows(database) == 0
    assert (await ask(provider, kiosk)).status_code == 200

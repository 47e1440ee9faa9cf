"""What administrators see, and what they do not."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.settings import Settings
from idp.storage import passwords, proven_addresses
from notifications.notice import Notice, NoticeKind
from notifications.queue import Queue
from tests.idp.administration.conftest import OTHER, House
from tests.idp.people import HOUSE


async def test_people_are_found_by_any_part_of_a_name(house: House) -> None:
    await house.add("minamoto")
    assert [person["login_name"] for person in (await house.got("/people?name=MIN"))["people"]] == ["mina", "minamoto"]
    assert [person["login_name"] for person in (await house.got("/people?name=amot"))["people"]] == ["minamoto"]
    for wildcard in ("%25", "_", "%5C"):
        assert (await house.got(f"/people?name={wildcard}"))["people"] == []
    [mina] = (await house.got("/people?name=mina&limit=1"))["people"]
    assert mina["live"] is True
    assert mina["memberships"] == [{"organisation_id": str(HOUSE), "organisation": "House", "roles": ["customer"]}]


async def test_lists_come_in_pages(house: House) -> None:
    for number in range(5):
        await house.begin(await house.add(f"person{number}"))
        house.clock.advance(1)
    for path, key, name in (("/people", "people", "display_name"), ("/sessions", "sessions", "display_name")):
        whole = [entry[name] for entry in (await house.got(path))[key]]
        paged, after = [], ""
        while True:
            page = await house.got(f"{path}?limit=2&after={after}")
            paged += [entry[name] for entry in page[key]]
            if page["next"] is None:
                break
            after = page["next"]
        assert paged == whole
    assert whole[0] == "Person4"  # of sessions the newest first


async def test_one_person_whole(house: House) -> None:
    async with house.database("idp").begin() as tx:
        await passwords.put_password(tx, house.mina.id, "$argon2id$v=19$…", house.clock.now())
    mina = await house.got(f"/people/{house.mina.id}")
    assert (mina["login_names"], mina["email"], mina["version"]) == (["mina"], "mina@mail.example", 1)
    assert (mina["email_verified"], mina["time_zone"]) == (False, None)
    async with house.database("idp").begin() as tx:
        assert await proven_addresses.prove(tx, house.mina.id, "mina@mail.example", house.clock.now())
        assert not await proven_addresses.prove(tx, house.mina.id, "mina@mail.example", house.clock.now())
    proven = await house.got(f"/people/{house.mina.id}")
    assert (proven["email_verified"], proven["version"]) == (True, 2)
    assert [factor["kind"] for factor in mina["factors"]] == ["password"]
    assert mina["session"]["sid"] == house.session.sid
    assert mina["session"]["own"] is False
    assert "argon2" not in str(mina)


async def test_sessions_by_filter(house: House) -> None:
    jun = await house.begin(await house.add("jun"))
    assert [entry["sid"] for entry in (await house.got("/sessions?name=jun"))["sessions"]] == [jun.sid]
    assert len((await house.got("/sessions?place=this%20machine"))["sessions"]) == 2
    assert (await house.got("/sessions?place=KR"))["sessions"] == []
    assert len((await house.got(f"/sessions?organisation={HOUSE}"))["sessions"]) == 2
    assert (await house.got("/sessions?organisation=00000000-0000-4000-8000-0000000000bb"))["sessions"] == []
    house.clock.advance(1800)
    assert (await house.got("/sessions"))["sessions"] == []  # expired, though nobody has swept them


async def test_another_organisation_is_not_there(house: House) -> None:
    stranger = await house.add("stranger")
    await house.join_other(stranger, "administrator")
    async with house.database("owner").begin() as tx:
        await tx.execute(text("DELETE FROM idp.membership WHERE user_id = :id AND organisation_id = :house"),
                         {"id": stranger.id, "house": HOUSE})  # fmt: skip
    assert [one["name"] for one in (await house.got("/organisations"))["organisations"]] == ["House"]
    assert "stranger" not in str(await house.got("/people"))
    for method, path, body in (
        ("GET", f"/people/{stranger.id}", None),
        ("POST", f"/people/{stranger.id}/lock", {"why": "x", "version": 1}),
        ("GET", "/organisations/00000000-0000-4000-8000-0000000000bb", None),
    ):
        refused = await house(method, path, body)
        assert (refused.status_code, refused.json()["code"]) == (404, "MJ-IDENTITY-002")
    theirs = house.subject(stranger, org=OTHER)
    assert (await house.got("/people", who=theirs))["people"][0]["login_name"] == "stranger"
    assert (await house.got("/sessions", who=theirs))["sessions"] == []
    refused = await house("POST", f"/sessions/{house.session.sid}/end", {"why": "x"}, who=theirs)
    assert refused.status_code == 404
    assert len((await house.got("/sessions"))["sessions"]) == 1


async def test_a_role_that_was_taken_away_is_gone_at_once(house: House) -> None:
    async with house.database("owner").begin() as tx:
        await tx.execute(text("UPDATE idp.membership SET roles = '{customer}' WHERE user_id = :id"),
                         {"id": house.boss.id})  # fmt: skip
    refused = await house("GET", "/people")
    assert (refused.status_code, refused.json()["code"]) == (403, "MJ-IDENTITY-001")
    [record] = await house.audited("administration_refused")
    assert (record.actor, record.subject) == (str(house.boss.id), "identity")


@pytest.mark.parametrize("roles", [("customer",), ("support",)])
async def test_only_administrators_come_in(house: House, roles: tuple[str, ...]) -> None:
    refused = await house("GET", "/sessions", who=house.subject(house.mina, *roles))
    assert refused.status_code == 403
    claimed = await house("GET", "/sessions", who=house.subject(house.mina, "administrator"))
    assert claimed.status_code == 403  # the directory says otherwise
    locked = house.subject(house.boss)
    async with house.database("owner").begin() as tx:
        await tx.execute(text("UPDATE idp.user_account SET state = 'locked' WHERE id = :id"), {"id": house.boss.id})
    assert (await house("GET", "/sessions", who=locked)).status_code == 403


async def test_an_assertion_for_another_service_opens_nothing(house: House) -> None:
    assert (await house("GET", "/people", upstream="policy")).status_code == 401
    assert (await house.client.get("/api/identity/people")).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/people?limit=0", None, 422),
        ("GET", "/people?limit=1000", None, 422),
        ("GET", "/people?after=nonsense", None, 422),
        ("GET", "/sessions?after=bm8", None, 422),
        ("GET", "/sessions?organisation=none", None, 422),
        ("GET", "/deliveries/mail?state=odd", None, 422),
        ("GET", "/deliveries/mail?after=MjAyNi0wMS0wMVQwMDowMDowMCswMDowMCB4", None, 422),
        ("GET", "/sessions?place=%00", None, 422),
        ("GET", "/people?after=%00", None, 422),
        ("GET", "/people?after=MDAwMDAwMDAtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDAwMDAwIGEAYg", None, 422),  # NUL inside
        ("GET", "/sessions?after=MjAyNi0wMS0wMVQwMDowMDowMCswMDowMCBhAGI", None, 422),
        ("GET", "/sessions/a%00b", None, 404),
        ("POST", "/sessions/a%00b/end", {"why": "x"}, 404),
        ("POST", "/sessions/nothing/end", {"why": "x\0y"}, 422),
        ("GET", "/deliveries/pigeon", None, 404),
        ("GET", "/people/nobody", None, 404),
        ("GET", "/people/00000000-0000-4000-8000-00000000dead", None, 404),
        ("GET", "/nothing", None, 404),
        ("DELETE", "/people", None, 405),
        ("POST", "/sessions/nothing/end", {"why": "x"}, 404),
        ("POST", "/sessions/nothing/end", {"why": " "}, 422),
        ("POST", "/sessions/nothing/end", {}, 422),
        ("POST", "/sessions/nothing/end", {"why": "x", "more": 1}, 422),
    ],
)
async def test_what_cannot_be_done_is_a_problem_with_a_code(
    house: House, method: str, path: str, body: object, status: int
) -> None:
    refused = await house(method, path, body)
    assert refused.status_code == status
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["code"].startswith("MJ-IDENTITY-")


async def test_the_document_names_every_operation(house: House) -> None:
    document = (await house("GET", "/openapi.json")).json()
    assert document["openapi"] == "3.1.0"
    assert set(document["paths"]["/api/identity/organisations/{organisation_id}"]) == {"get", "put"}
    for path in ("/people", "/sessions/{sid}/end", "/deliveries/{channel}/{delivery_id}/retry"):
        assert f"/api/identity{path}" in document["paths"]


async def test_what_was_changed_of_an_organisation_comes_in_pages(house: House) -> None:
    version = (await house.got(f"/organisations/{HOUSE}"))["version"]
    for number, rule in enumerate(("ask", "take_over", "ask")):
        asked = {"duplicate_login": rule, "new_device_factor": None, "look": None, "support": None}
        changed = await house("PUT", f"/organisations/{HOUSE}", {"why": f"{number}", "version": version, **asked})
        version = changed.json()["version"]
    first = await house.got(f"/organisations/{HOUSE}/changes?limit=2")
    second = await house.got(f"/organisations/{HOUSE}/changes?limit=2&after={first['next']}")
    assert [one["why"] for one in (*first["changes"], *second["changes"])] == ["2", "1", "0"]
    assert second["next"] is None
    assert (await house("GET", f"/organisations/{OTHER}/changes")).status_code == 404
    wrong = await house("GET", f"/organisations/{HOUSE}/changes?after=MjAyNi0wMS0wMVQwMDowMDowMCswMDowMCB4")
    assert wrong.json()["code"] == "MJ-IDENTITY-004"


async def test_the_history_is_read_and_never_written(house: House) -> None:
    """A view that runs with its owner's rights must be no way into the audit."""
    for statement in (
        "SELECT * FROM audit.record",
        "UPDATE idp.organisation_change SET details = '{}'",
        "DELETE FROM idp.organisation_change",
        "INSERT INTO idp.organisation_change (actor) VALUES ('x')",
    ):
        async with house.database("idp").connect() as tx:
            with pytest.raises(DBAPIError, match="permission denied"):
                await tx.execute(text(statement))


async def dead_letter(house: House, settings: Settings) -> None:
    queue = Queue(Envelope.load(settings), house.clock, SystemEntropy())
    notice = Notice(
        kind=NoticeKind.SIGN_IN_CODE,
        user_id=house.mina.id,
        to="mina@mail.example",
        locale="ko",
        name="Mina",
        facts={"code": "482913", "minutes": "600"},
    )
    async with house.database("idp").begin() as tx:
        await queue.put(tx, notice)
    async with house.database("notifications").begin() as tx:
        await tx.execute(text("UPDATE notifications.message SET state = 'dead', finished_at = now()"))


async def test_what_is_a_persons_is_shown_to_who_administers_all_of_their_organisations(
    house: House, settings: Settings
) -> None:
    async with house.database("idp").begin() as tx:
        await passwords.put_password(tx, house.mina.id, "$argon2id$v=19$…", house.clock.now())
    await dead_letter(house, settings)
    [listed] = (await house.got("/deliveries/mail"))["deliveries"]
    mina = await house.got(f"/people/{house.mina.id}")
    assert (mina["whole"], mina["email"], len(mina["factors"])) == (True, "mina@mail.example", 1)

    await house.join_other(house.mina, "customer")
    assert (await house.got("/deliveries/mail"))["deliveries"] == []
    refused = await house("POST", f"/deliveries/mail/{listed['id']}/retry", {"why": "x"})
    assert (refused.status_code, refused.json()["code"]) == (404, "MJ-IDENTITY-002")
    mina = await house.got(f"/people/{house.mina.id}")
    assert (mina["whole"], mina["email"], mina["factors"], mina["devices"]) == (False, None, [], [])
    assert mina["session"]["sid"] == house.session.sid  # that one is of this organisation
    assert "mail.example" not in str(mina)

    await house.join_other(house.boss, "administrator")
    assert (await house.got(f"/people/{house.mina.id}"))["whole"] is True
    assert len((await house.got("/deliveries/mail"))["deliveries"]) == 1


async def test_one_session_whole_also_after_its_end(house: House) -> None:
    async with house.database("owner").begin() as tx:
        await tx.execute(
            text(
                "INSERT INTO idp.client (client_id, name, auth_method, redirect_uris, post_logout_redirect_uris,"
                " grant_types, scopes, updated_at)"
                " VALUES ('shop', '{}', 'none', '{https://shop.example/}', '{}', '{}', '{}', now())"
            )
        )
        await tx.execute(
            text("INSERT INTO idp.session_client (sid, client_id, first_at) VALUES (:sid, 'shop', now())"),
            {"sid": house.session.sid},
        )
    found = await house.got(f"/sessions/{house.session.sid}")
    assert (found["state"], found["display_name"], found["own"], found["ended_at"]) == ("live", "Mina", False, None)
    assert [party["client_id"] for party in found["relying_parties"]] == ["shop"]
    assert found["deliveries"] == []
    facts = {"happening": "session-ended", "sid": house.session.sid, "sub": str(house.mina.id), "org": str(HOUSE)}
    async with house.database("owner").begin() as tx:
        await tx.execute(
            text(
                "INSERT INTO idp.delivery (id, client_id, facts, happened_at, due_at, attempts, problem) "
                "VALUES (gen_random_uuid(), 'shop', CAST(:facts AS jsonb), :now, :now, 0, '')"
            ),
            {"facts": json.dumps(facts), "now": house.clock.now()},
        )
    await house("POST", f"/sessions/{house.session.sid}/end", {"why": "x"})
    found = await house.got(f"/sessions/{house.session.sid}")
    assert (found["state"], found["end_reason"], found["version"]) == ("ended", "administrator", 2)
    assert [(one["channel"], one["client_id"], one["state"]) for one in found["deliveries"]] == [
        ("logout", "shop", "waiting")
    ]
    other = await house.begin(boss := await house.add("other-boss"))
    house.clock.advance(12 * 3600)
    assert (await house.got(f"/sessions/{other.sid}"))["state"] == "expired"
    assert (await house.got(f"/sessions/{other.sid}", who=house.subject(house.boss)))["user_id"] == str(boss.id)


async def test_a_session_of_another_organisation_is_not_shown(house: House) -> None:
    await house.join_other(outsider := await house.add("outsider", roles=("administrator",)), "administrator")
    async with house.database("owner").begin() as tx:
        await tx.execute(
            text("DELETE FROM idp.membership WHERE user_id = :who AND organisation_id = :house"),
            {"who": outsider.id, "house": HOUSE},
        )
    answer = await house("GET", f"/sessions/{house.session.sid}", who=house.subject(outsider, org=OTHER))
    assert (answer.status_code, answer.json()["code"]) == (404, "MJ-IDENTITY-002")


async def test_dead_letters_are_listed_without_what_they_say(house: House, settings: Settings) -> None:
    queue = Queue(Envelope.load(settings), house.clock, SystemEntropy())
    async with house.database("idp").begin() as tx:
        for minutes in ("5", "600"):
            notice = Notice(
                kind=NoticeKind.SIGN_IN_CODE,
                user_id=house.mina.id,
                to="mina@mail.example",
                locale="ko",
                name="Mina",
                facts={"code": "482913", "minutes": minutes},
            )
            await queue.put(tx, notice)
            house.clock.advance(1)
    assert (await house.got("/deliveries/mail"))["deliveries"] == []
    async with house.database("notifications").begin() as tx:
        await tx.execute(
            text("UPDATE notifications.message SET state = 'dead', finished_at = now(), last_error = '550 5.1.1'")
        )
    house.clock.advance(timedelta(minutes=5).total_seconds())
    listed = await house.got("/deliveries/mail")
    assert [(entry["problem"], entry["may_retry"], entry["display_name"]) for entry in listed["deliveries"]] == [
        ("550 5.1.1", True, "Mina"),
        ("550 5.1.1", False, "Mina"),  # its code has expired
    ]
    assert "482913" not in str(listed)
    assert "mina@mail.example" not in str(listed)
    first = await house.got("/deliveries/mail?limit=1")
    second = await house.got(f"/deliveries/mail?limit=1&after={first['next']}")
    assert [first["deliveries"][0], second["deliveries"][0]] == listed["deliveries"]
    assert second["next"] is None
    assert (await house.got("/deliveries/logout"))["deliveries"] == []
    assert (await house.got("/deliveries/signal?state=waiting"))["deliveries"] == []

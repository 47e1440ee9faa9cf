"""What administrators see of people's sign-ins."""

from __future__ import annotations

from uuid import UUID

from idp.devices.sign_in_history import SignIn
from idp.storage import sign_in_history
from tests.idp.administration.conftest import House


async def attempts(house: House, user_id: UUID, times: int) -> None:
    for number in range(times):
        house.clock.advance(1)
        sign_in = SignIn(
            id=UUID(int=number + 1),
            user_id=user_id,
            at=house.clock.now(),
            outcome="failed" if number % 2 else "signed_in",
            amr=("pwd",),
            device_id=None,
            device_label="Chrome · Windows",
            browser="Chrome",
            place="KR",
            network="",
            ip="192.0.2.7",
            client_id="shop",
            sid=house.session.sid if number == 0 else None,
        )
        async with house.database("idp").begin() as tx:
            await sign_in_history.add(tx, sign_in)


async def test_the_newest_first_in_pages(house: House) -> None:
    await attempts(house, house.mina.id, 5)
    seen, after = [], ""
    while True:
        page = await house.got(f"/people/{house.mina.id}/sign-ins?limit=2&after={after}")
        seen += [(one["outcome"], one["place"], one["ended_at"]) for one in page["sign_ins"]]
        if page["next"] is None:
            break
        after = page["next"]
    assert seen == [(outcome, "KR", None) for outcome in ("signed_in", "failed", "signed_in", "failed", "signed_in")]


async def test_only_for_who_administers_all_of_a_person(house: House) -> None:
    await attempts(house, house.mina.id, 1)
    await house.join_other(house.mina, "customer")
    answer = await house("GET", f"/people/{house.mina.id}/sign-ins")
    assert (answer.status_code, answer.json()["code"]) == (409, "MJ-IDENTITY-010")
    nobody = await house("GET", f"/people/{UUID(int=9)}/sign-ins")
    assert (nobody.status_code, nobody.json()["code"]) == (404, "MJ-IDENTITY-002")


async def test_a_cursor_that_is_none_is_refused(house: House) -> None:
    answer = await house("GET", f"/people/{house.mina.id}/sign-ins?after=x")
    assert answer.json()["code"] == "MJ-IDENTITY-004"

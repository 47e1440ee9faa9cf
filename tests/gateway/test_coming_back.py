"""Whoever comes back after an outage is not overrun: refreshes take turns, and each tries again after its own time."""

from __future__ import annotations

import asyncio

import httpx2
import pytest

from gateway.exchange import Answer, Forward
from gateway.relying_party.refresh import AT_ONCE, AWAY_FOR, PAUSE_WHEN_AWAY
from tests.gateway.rig import NAVIGATION, Rig, head

PEOPLE = 40
PATH = "/reservations"  # a zone that takes no expired tokens


async def everybody(rig: Rig) -> list[tuple[bytes, bytes]]:
    """Their cookies; each has a session of their own, whose token is over."""
    cookies = []
    for number in range(PEOPLE):
        await rig.project(f"session-{number}")
        cookie = await rig.cookie(
            secret=f"{number:043}", refresh=f"session-{number}", sid=f"session-{number}", lifetime=10
        )
        cookies.append((b"cookie", cookie))
        assert isinstance(await rig.ask(head(PATH, headers=[cookies[-1]])), Forward)
    rig.clock.advance(11)
    rig.beat()
    return cookies


@pytest.fixture
def provider(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Counts the questions to the token endpoint, and how many were under way at a time; `away` while that is set."""
    counted = {"asked": 0, "now": 0, "most": 0, "away": 0}

    async def answer(_url: str, form: dict[str, str]) -> httpx2.Response:
        counted["asked"] += 1
        counted["now"] += 1
        counted["most"] = max(counted["most"], counted["now"])
        try:
            await asyncio.sleep(0.02)
            if counted["away"]:
                return httpx2.Response(503)
            body = {"access_token": rig.token(sid=form["refresh_token"]), "token_type": "Bearer"}
            return httpx2.Response(200, json=body)
        finally:
            counted["now"] -= 1

    monkeypatch.setattr(rig.provider, "_post", answer)
    return counted


async def test_no_more_than_a_few_are_asked_for_at_a_time_and_each_once(rig: Rig, provider: dict[str, int]) -> None:
    cookies = await everybody(rig)
    verdicts = await asyncio.gather(*(rig.ask(head(PATH, headers=[cookie])) for cookie in cookies * 2))
    assert all(isinstance(verdict, Forward) for verdict in verdicts)
    assert provider["asked"] == PEOPLE
    assert 1 < provider["most"] <= AT_ONCE


async def test_while_it_is_away_few_ask_and_nobody_waits(rig: Rig, provider: dict[str, int]) -> None:
    cookies = await everybody(rig)
    provider["away"] = 1
    verdicts = await asyncio.gather(*(rig.ask(head(PATH, headers=[cookie])) for cookie in cookies))
    assert {verdict.status for verdict in verdicts if isinstance(verdict, Answer)} == {503}
    assert provider["asked"] <= AT_ONCE
    provider["away"] = 0
    rig.clock.advance(AWAY_FOR)
    verdicts = await asyncio.gather(*(rig.ask(head(PATH, headers=[cookie])) for cookie in cookies))
    assert all(isinstance(verdict, Forward) for verdict in verdicts)


async def test_each_session_is_tried_again_after_another_time(rig: Rig, provider: dict[str, int]) -> None:
    cookies = await everybody(rig)
    provider["away"] = 1
    await asyncio.gather(*(rig.ask(head(PATH, headers=[cookie])) for cookie in cookies))
    now = rig.clock.timestamp()
    waits = sorted(caller.refresh_again_at - now for caller in rig.cookies.known())
    assert PAUSE_WHEN_AWAY / 2 <= waits[0] < PAUSE_WHEN_AWAY * 0.75
    assert PAUSE_WHEN_AWAY * 1.25 < waits[-1] <= PAUSE_WHEN_AWAY * 1.5
    assert len(set(waits)) > PEOPLE / 2


@pytest.mark.parametrize("language", ["ko", "en"])
async def test_nobody_is_led_to_a_provider_that_does_not_answer(rig: Rig, language: str) -> None:
    """A browser that cannot connect shows a page of its own, which says nothing."""
    rig.provider_is_there = False
    navigation = {name.decode(): value.decode() for name, value in NAVIGATION} | {"accept-language": language}
    async with rig.browser() as client:
        shown = await client.get("/.munjigi/sign-in?return_to=%2Fcart", headers=navigation)
        assert (shown.status_code, shown.headers["retry-after"]) == (503, "1")
        assert "MJ-GATEWAY-224" in shown.text
        assert f'<html lang="{language}"' in shown.text
        again = await client.get("/.munjigi/sign-in?return_to=%2Fcart", headers=navigation)
        assert again.status_code == 503
        assert len(rig.asked) == 1  # once a second, however many ask
        rig.provider_is_there = True
        rig.clock.advance(1)
        led = await client.get("/.munjigi/sign-in?return_to=%2Fcart", headers=navigation)
        assert led.status_code == 302

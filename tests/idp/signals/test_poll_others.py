"""What others hold for us (RFC 8936): asked for, taken once, acknowledged once it is committed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey

from config.clock import SystemClock
from config.connections import Valkey
from config.entropy import SystemEntropy
from config.outbound import PATIENCE, Answer
from idp.received_signals import poller, serve
from idp.sessions.received.poller import EACH, EVERY, LONGEST_WAIT, MOST_ROUNDS, TURN, Poller
from idp.sessions.received.security_event import EventKind
from idp.sessions.received.transmitter import authorization_context
from jose.published_keys import AGAIN_AFTER
from tests.idp.signals.listening import Listening, listening, settings

__all__ = ["listening", "settings"]

SHOWN = "Basic dXM6b3Vycw=="


@pytest.fixture
async def polling(listening: Listening, valkey: Valkey) -> Poller:
    """The worker's poller, for a transmitter that is polled."""
    parts = listening.provider.parts
    sealed = parts.envelope.seal(SHOWN.encode(), authorization_context(listening.known.id))
    address = f"{listening.transmitter.issuer}/poll"
    await listening.listen(delivery="poll", poll_uri=address, token_digest=None, sealed_authorization=sealed)
    return poller(parts.settings, listening.database("idp"), valkey, listening.clock, SystemEntropy(), parts.outbound)


def hold(listening: Listening, *subjects: object, **changed: object) -> list[str]:
    """Events that wait; their jti."""
    transmitter, made = listening.transmitter, []
    for subject in subjects:
        claims = transmitter.claims(EventKind.SESSION_REVOKED, {}, subject, **changed)
        made.append(str(claims["jti"]))
        transmitter.held[made[-1]] = transmitter.token_of(claims)
    return made


async def due(listening: Listening, polling: Poller, wait: timedelta = EVERY) -> int:
    listening.clock.advance(wait.total_seconds())
    return await polling.step()


async def test_what_is_held_is_taken_and_acknowledged(listening: Listening, polling: Poller) -> None:
    [jti] = hold(listening, listening.by_mail())
    assert await polling.step() == 1
    assert await listening.end_reason() == "response"
    first, second = listening.transmitter.asked
    assert first == {"maxEvents": EACH, "returnImmediately": True, "ack": []}
    assert second == {"maxEvents": 0, "returnImmediately": True, "ack": [jti]}
    assert listening.transmitter.authorizations == [SHOWN, SHOWN]
    assert listening.transmitter.held == {}
    [mail] = await listening.rows("SELECT kind FROM notifications.message")
    assert mail.kind == "session_ended"
    assert await polling.step() == 0, "not before its time"
    assert await due(listening, polling) == 1
    assert len(listening.transmitter.asked) == 3, "where there is nothing, nothing is acknowledged"


async def test_an_acknowledgement_that_is_lost_costs_nobody_a_second_session(
    listening: Listening, polling: Poller
) -> None:
    [jti] = hold(listening, listening.by_mail())
    token = listening.transmitter.held[jti]
    await polling.step()
    again = await listening.begin(listening.person)
    listening.transmitter.held[jti] = token
    assert await due(listening, polling) == 1
    assert listening.transmitter.held == {}
    assert await listening.end_reason(again) is None
    assert await listening.outcomes() == ["acted"]


async def test_poison_holds_up_none_of_the_others(listening: Listening, polling: Poller) -> None:
    transmitter = listening.transmitter
    hold(listening, "nobody")
    [elsewhere] = hold(listening, listening.by_mail(), aud="somebody else")
    transmitter.held["another-name"] = transmitter.revoked(listening.by_mail())
    transmitter.held["x"] = "no token"
    transmitter.held["deep"] = "." * 3
    [good] = hold(listening, {"format": "complex", "session": listening.opaque(listening.sid)})
    await polling.step()
    assert transmitter.held == {}
    assert transmitter.errors[elsewhere]["err"] == "invalid_audience"
    assert transmitter.errors["another-name"]["err"] == "invalid_request"
    assert {error["err"] for error in transmitter.errors.values()} == {"invalid_request", "invalid_audience"}
    assert len(transmitter.errors) == 5
    assert transmitter.asked[-1]["ack"] == [good]
    assert await listening.outcomes() == ["acted"]
    [kept] = await listening.rows("SELECT problem, poll_failures FROM idp.signal_transmitter")
    assert (kept.problem != "", kept.poll_failures) == (True, 0)


async def test_more_than_fits_is_taken_in_rounds(listening: Listening, polling: Poller) -> None:
    hold(listening, *[listening.by_mail()] * (EACH + 3))
    await polling.step()
    assert listening.transmitter.held == {}
    assert len(listening.transmitter.asked) == 3
    assert len(await listening.outcomes()) == EACH + 3


async def test_one_that_never_ends_is_left_after_so_many_rounds(
    listening: Listening, polling: Poller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idp.sessions.received.poller.EACH", 1)
    hold(listening, *[listening.by_mail()] * (MOST_ROUNDS + 2))
    await polling.step()
    assert len(listening.transmitter.held) == 2


async def test_one_that_answers_slowly_keeps_the_others_waiting_for_a_turn_alone(
    listening: Listening, polling: Poller, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow:
        async def ask(self, *args: Any, **more: Any) -> Answer:
            listening.clock.advance(PATIENCE)
            return await polling.outbound.ask(*args, **more)

    monkeypatch.setattr("idp.sessions.received.poller.EACH", 1)
    hold(listening, *[listening.by_mail()] * MOST_ROUNDS)
    began = listening.clock.monotonic()
    await replace(polling, outbound=Slow()).step()  # type: ignore[arg-type] # as much of it as is asked
    assert listening.clock.monotonic() - began <= TURN + 2 * PATIENCE
    assert 0 < len(listening.transmitter.held) < MOST_ROUNDS
    before = len(listening.transmitter.held)
    await due(listening, polling)
    assert len(listening.transmitter.held) < before, "the rest is taken at its next turn"


async def test_one_that_does_not_answer_is_left_alone_longer_each_time(listening: Listening, polling: Poller) -> None:
    listening.transmitter.poll_status = 500
    waits = []
    for _ in range(8):
        assert await polling.step() == 1
        [row] = await listening.rows("SELECT poll_due_at, poll_failures, problem FROM idp.signal_transmitter")
        waits.append((row.poll_due_at - listening.clock.now()).total_seconds())
        assert row.problem == "polling: it answered 500"
        listening.clock.advance(waits[-1] - 0.001)
        assert await polling.step() == 0
        listening.clock.advance(0.001)
    assert waits == [20, 40, 80, 160, 300, 300, 300, LONGEST_WAIT.total_seconds()]
    listening.transmitter.poll_status = 200
    hold(listening, listening.by_mail())
    await polling.step()
    assert await listening.end_reason() == "response"
    [row] = await listening.rows("SELECT poll_failures FROM idp.signal_transmitter")
    assert row.poll_failures == 0


async def test_while_the_keys_are_away_nothing_is_acknowledged(listening: Listening, polling: Poller) -> None:
    listening.transmitter.jwks_status = 404
    [jti] = hold(listening, listening.by_mail())
    await polling.step()
    assert listening.transmitter.held.keys() == {jti}
    assert listening.transmitter.errors == {}
    listening.transmitter.jwks_status = 200
    assert await due(listening, polling, timedelta(seconds=AGAIN_AFTER)) == 1
    assert await listening.end_reason() == "response"
    assert listening.transmitter.held == {}


async def test_keys_rotate_under_what_is_held(listening: Listening, polling: Poller) -> None:
    hold(listening, listening.opaque("nobody"))
    await polling.step()
    listening.transmitter.key = ECKey.generate_key("P-256", {"kid": "two"})
    hold(listening, listening.by_mail())
    assert await due(listening, polling, timedelta(seconds=AGAIN_AFTER)) == 1
    assert await listening.end_reason() == "response"


async def test_of_two_workers_one_polls(listening: Listening, polling: Poller) -> None:
    assert sum(await asyncio.gather(*(polling.step() for _ in range(4)))) == 1
    await listening.listen(status="disabled")
    assert await due(listening, polling, timedelta(hours=1)) == 0


async def test_nobody_inside_is_polled(listening: Listening, polling: Poller) -> None:
    await listening.listen(poll_uri="https://192.168.0.1/poll")
    assert await polling.step() == 1
    [row] = await listening.rows("SELECT problem, poll_failures FROM idp.signal_transmitter")
    assert (row.problem, row.poll_failures) == ("polling: its address is not public", 1)


async def test_the_worker_polls_by_itself(listening: Listening, polling: Poller) -> None:
    """By the clock of the machine, so what is held is of now by that clock."""
    clock = SystemClock()
    stop, ready = asyncio.Event(), asyncio.Event()
    claims = listening.transmitter.claims(
        EventKind.SESSION_REVOKED, {}, listening.by_mail(), iat=int(clock.timestamp())
    )
    listening.transmitter.held[str(claims["jti"])] = listening.transmitter.token_of(claims)
    working = asyncio.create_task(serve(listening.provider.parts.settings, ready.set, stop))
    await asyncio.wait_for(ready.wait(), 20)
    stop.set()
    await asyncio.wait_for(working, 10)
    assert listening.transmitter.held == {}
    assert await listening.outcomes() in (["acted"], ["nobody"])

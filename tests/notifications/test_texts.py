"""Texts by real HTTP to servers that speak their carriers' protocols: what is taken, put off, refused, held back."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from config.clock import SystemClock
from config.connections import Database
from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.sections.engines import Role
from config.sections.messages import TextSettings
from config.settings import Settings, WrongSettings
from notifications import courier as courier_module
from notifications import delivery
from notifications.carriers import TextCarrier
from notifications.courier import Courier, Weather
from notifications.letter import WrongNotice
from notifications.notice import Notice, NoticeKind
from notifications.outcome import WrongAddress
from notifications.queue import Queue
from notifications.texts import twilio as by_twilio
from notifications.texts.chosen import provider_of
from notifications.texts.dialling import in_its_country
from notifications.texts.provider import LONGEST_WAIT, retry_after
from tests.clock import FakeClock
from tests.house import free_port
from tests.notifications.conftest import Look
from tests.notifications.mail_server import mail_server
from tests.notifications.text_servers import SERVICE, Provider, nhn, solapi, text_provider, twilio

NUMBER = "+821012345678"
PutText = Callable[..., Awaitable[UUID]]
Made = Callable[[TextSettings], Courier]
BY_NAME = {"twilio": twilio, "solapi": solapi, "nhn": nhn}


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with text_provider() as running:
        yield running


@pytest.fixture
def put_text(
    settings: Settings, clock: FakeClock, entropy: SystemEntropy, database: Callable[[Role], Database]
) -> PutText:
    """Queues a code for a phone."""
    queue = Queue(Envelope.load(settings), clock, entropy)

    async def put(to: str = NUMBER, **facts: str) -> UUID:
        said = {"code": "482913", "minutes": "10", "host": "id.example.com", **facts}
        notice = Notice(
            kind=NoticeKind.SIGN_IN_CODE, user_id=None, to=to, locale="ko", name="김민아", facts=said, channel="text"
        )
        async with database("idp").begin() as tx:
            return await queue.put(tx, notice)

    return put


@pytest.fixture
async def courier_by(settings: Settings, clock: FakeClock, database: Callable[[Role], Database]) -> AsyncIterator[Made]:
    """`courier_by(twilio(origin))` is a lane of the worker that sends by it."""
    made: list[Courier] = []

    def make(texts: TextSettings) -> Courier:
        idp = settings.idp.model_copy(update={"issuer": "https://id.example.com"})
        carried = provider_of(settings.model_copy(update={"texts": texts, "idp": idp}), SystemEntropy())
        assert carried is not None
        one = Courier(
            database("notifications"),
            Envelope.load(settings),
            TextCarrier(carried),
            clock,
            Weather(),
            random.Random(1),
        )
        made.append(one)
        return one

    yield make
    for one in made:
        await one.carrier.leave()


WORDS = "[문지기] 인증번호 482913. 아무에게도 알려 주지 마세요.\n@id.example.com #482913"


async def test_twilio_takes_a_form_and_is_told_where_receipts_go(
    provider: Provider, put_text: PutText, courier_by: Made, look: Look, database: Callable[[Role], Database]
) -> None:
    message_id = await put_text()
    assert await courier_by(twilio(provider.origin)).deliver_due() == 1
    assert provider.taken == [
        {
            "To": NUMBER,
            "MessagingServiceSid": SERVICE,
            "Body": WORDS,
            "ValidityPeriod": "600",
            "StatusCallback": f"https://id.example.com/text-messages/twilio/{message_id}",
        }
    ]
    [row] = await look()
    assert (row.state, row.attempts, row.sealed, row.channel) == ("sent", 1, None, "text")


async def test_solapi_takes_a_signed_message(
    provider: Provider, put_text: PutText, courier_by: Made, look: Look
) -> None:
    await put_text()
    await put_text("+14155550100")
    assert await courier_by(solapi(provider.origin)).deliver_due() == 2
    assert provider.refused == []
    assert [(one["to"], one["country"], one["from"], one["text"]) for one in provider.taken] == [
        ("01012345678", "82", "029302266", WORDS),
        ("4155550100", "1", "029302266", WORDS),
    ]
    assert [row.state for row in await look()] == ["sent", "sent"]


async def test_nhn_cloud_takes_a_message_of_its_api_for_codes(
    provider: Provider, put_text: PutText, courier_by: Made
) -> None:
    await put_text()
    await courier_by(nhn(provider.origin)).deliver_due()
    assert provider.taken == [{"body": WORDS, "sendNo": "15446859", "recipientList": [{"recipientNo": "01012345678"}]}]


def test_a_text_of_korean_carriers_stays_a_short_one() -> None:
    assert len(WORDS.encode("euc-kr")) <= 90


@pytest.mark.parametrize(
    ("by", "answer", "state", "problem"),
    [
        ("twilio", (400, {"code": 21211, "message": f"{NUMBER} is no number", "status": 400}), "dead", "400 21211"),
        ("twilio", (400, {"code": 21610, "message": "unsubscribed", "status": 400}), "dead", "400 21610"),
        ("twilio", (400, {"code": 21408, "message": "region", "status": 400}), "dead", "400 21408"),
        ("twilio", (500, {"code": 20500, "status": 500}), "queued", "500 20500"),
        ("twilio", (201, {"nothing": "of use"}), "queued", "an answer that cannot be read"),
        ("twilio", (400, {"code": 21606, "status": 400}), "queued", "server away: 400 21606"),
        ("twilio", (401, {"code": 20003, "status": 401}), "queued", "server away: 401 20003"),
        ("solapi", (200, {"failedMessageList": [{"statusCode": "1062"}], "groupInfo": {}}), "dead", "200 1062"),
        ("solapi", (400, {"errorCode": "ValidationError", "errorMessage": NUMBER}), "dead", "400 ValidationError"),
        ("solapi", (400, {"errorCode": "NotEnoughBalance"}), "queued", "server away: 400 NotEnoughBalance"),
        ("solapi", (403, {"errorCode": "SignatureDoesNotMatch"}), "queued", "server away: 403 SignatureDoesNotMatch"),
        ("solapi", (502, {}), "queued", "502"),
        (
            "nhn",
            (200, {"header": {"isSuccessful": True}, "body": {"data": {"sendResultList": [{"resultCode": -2018}]}}}),
            "dead",
            "200 -2018",
        ),
        ("nhn", (200, {"header": {"isSuccessful": False, "resultCode": -9999}}), "queued", "200 -9999"),
        ("nhn", (200, {"header": {"isSuccessful": False, "resultCode": -2020}}), "queued", "server away: 200 -2020"),
    ],
)
async def test_each_answer_means_what_its_documentation_says(
    provider: Provider,
    put_text: PutText,
    courier_by: Made,
    look: Look,
    by: str,
    answer: tuple[int, dict[str, Any]],
    state: str,
    problem: str,
) -> None:
    await put_text()
    provider.answers = [(*answer, {})]
    assert await courier_by(BY_NAME[by](provider.origin)).deliver_due() == 1
    [row] = await look()
    assert (row.state, row.last_error) == (state, problem)
    assert row.attempts == (0 if "away" in problem else 1)


async def test_who_asks_to_be_left_alone_is_and_no_attempt_counts(
    provider: Provider, put_text: PutText, courier_by: Made, look: Look, clock: FakeClock
) -> None:
    await put_text()
    await put_text()
    provider.answers = [(429, {"code": 20429, "status": 429}, {"Retry-After": "90"})]
    courier = courier_by(twilio(provider.origin))
    assert await courier.deliver_due() == 1  # the other one is not even tried
    assert {(row.state, row.attempts) for row in await look()} == {("queued", 0)}
    clock.advance(89)
    assert await courier.deliver_due() == 0
    clock.advance(1)
    assert await courier.deliver_due() == 2
    assert len(provider.taken) == 2


async def test_who_does_not_answer_is_asked_again_and_who_is_not_there_later(
    provider: Provider,
    put_text: PutText,
    courier_by: Made,
    look: Look,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(courier_module, "ATTEMPT_LIMIT", 0.2)
    await put_text()
    provider.hangs = True
    courier = courier_by(twilio(provider.origin))
    await courier.deliver_due()
    assert [(row.state, row.attempts, row.last_error) for row in await look()] == [("queued", 1, "took too long")]
    provider.hangs = False
    clock.advance(2)
    gone = courier_by(twilio(f"http://127.0.0.1:{free_port()}"))
    await gone.deliver_due()
    assert [(row.attempts, row.last_error) for row in await look()] == [(1, "server away: ConnectError")]
    clock.advance(60)
    await courier.deliver_due()
    assert [row.state for row in await look()] == ["sent"]
    assert len(provider.taken) == 1


async def test_a_lane_of_mails_leaves_texts_alone(
    put_text: PutText, courier_to: Callable[..., Courier], look: Look
) -> None:
    await put_text()
    async with mail_server() as server:
        assert await courier_to(server.address).deliver_due() == 0
    assert [row.state for row in await look()] == ["queued"]


async def test_an_expired_code_is_never_texted(
    provider: Provider,
    put_text: PutText,
    courier_by: Made,
    courier_to: Callable[..., Courier],
    look: Look,
    clock: FakeClock,
) -> None:
    await put_text()
    clock.advance(600)
    assert await courier_by(twilio(provider.origin)).deliver_due() == 0
    async with mail_server() as server:  # where nobody carries texts any more somebody buries them
        await courier_to(server.address).tidy()
    assert [(row.state, row.sealed) for row in await look()] == [("dead", None)]


async def test_no_code_and_no_number_is_logged(
    provider: Provider, put_text: PutText, courier_by: Made, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "notifications")
    await put_text()
    await put_text()
    provider.answers = [(400, {"code": 21211, "message": f"{NUMBER} 482913", "status": 400}, {})]
    with capture_logs() as told:
        await courier_by(twilio(provider.origin)).deliver_due()
    assert len(told) == 2
    ours = str(told) + "".join(record.getMessage() for record in caplog.records if record.name.startswith("notif"))
    for secret in ("482913", "1012345678", "김민아"):
        assert secret not in ours


@pytest.mark.parametrize("facts", [{"host": "id.example.com #1"}, {"host": "evil example"}, {"code": "48\n2913"}])
async def test_what_would_break_the_last_line_is_a_dead_letter(
    provider: Provider, put_text: PutText, courier_by: Made, look: Look, facts: dict[str, str]
) -> None:
    await put_text(**facts)
    await courier_by(twilio(provider.origin)).deliver_due()
    assert provider.taken == []
    assert [row.last_error for row in await look()] == [f"cannot be written ({WrongNotice.__name__})"]


async def test_only_kinds_with_words_for_a_text_are_queued(
    settings: Settings, clock: FakeClock, database: Callable[[Role], Database]
) -> None:
    queue = Queue(Envelope.load(settings), clock, SystemEntropy())
    notice = Notice(
        kind=NoticeKind.ACCOUNT_LOCKED, user_id=None, to=NUMBER, locale="ko", name="", facts={}, channel="text"
    )
    async with database("idp").begin() as tx:
        with pytest.raises(KeyError):
            await queue.put(tx, notice)


@pytest.mark.parametrize(
    "texts",
    [
        TextSettings(provider="twilio"),
        TextSettings(provider="solapi", sender="029302266"),
        TextSettings(provider="nhn", nhn_app_key="a"),
        twilio("http://sms.example.com"),
        solapi("http://sms.example.com"),
    ],
)
def test_nothing_starts_by_half_and_nothing_leaves_in_the_clear(settings: Settings, texts: TextSettings) -> None:
    with pytest.raises(WrongSettings, match="MUNJIGI_TEXTS__"):
        provider_of(settings.model_copy(update={"texts": texts}), SystemEntropy())


def test_secrets_are_in_no_repr(settings: Settings) -> None:
    for name, made in BY_NAME.items():
        assert "a secret" not in repr(made("http://localhost:1")), name
        assert "a token" not in repr(made("http://localhost:1")), name


def test_where_mails_go_out_and_texts_do_not_there_are_none(settings: Settings) -> None:
    assert settings.texts_go_by == "inbox"
    mail = settings.mail.model_copy(update={"server": "mail.example.com:587"})
    assert provider_of(settings.model_copy(update={"mail": mail}), SystemEntropy()) is None


def test_how_long_somebody_asks_to_wait(clock: FakeClock) -> None:
    now = clock.now()
    later = (now + timedelta(seconds=30)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert retry_after({"retry-after": "7"}, now) == 7
    assert 29 <= retry_after({"retry-after": later}, now) <= 30
    assert retry_after({"retry-after": "99999999999999"}, now) == LONGEST_WAIT
    for nothing in ("", "soon", "-5", "٣"):
        assert retry_after({"retry-after": nothing}, now) == 0


def test_a_receipt_is_signed_as_twilio_documents_it() -> None:
    # the example of Twilio's "Security" page, whose token is 12345
    form = [
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+14158675310"),
        ("Digits", "1234"),
        ("From", "+14158675310"),
        ("To", "+18005551212"),
    ]
    address = "https://example.com/myapp.php?foo=1&bar=2"
    expected = by_twilio.signature("12345", address, form)
    assert by_twilio.is_signed("12345", address, reversed(form), expected)
    assert not by_twilio.is_signed("12346", address, form, expected)
    assert not by_twilio.is_signed("12345", address, [*form, ("To", "+1")], expected)
    assert expected == "L/OH5YylLD5NRKLltdqwSvS0BnU="


def test_numbers_are_dialled_as_carriers_write_them() -> None:
    assert in_its_country(NUMBER) == ("82", "01012345678")
    assert in_its_country("+390236618300") == ("39", "0236618300")
    with pytest.raises(WrongAddress):
        in_its_country("010")


async def test_a_worker_sends_texts_beside_mails(
    settings: Settings, provider: Provider, database: Callable[[Role], Database]
) -> None:
    queue = Queue(Envelope.load(settings), SystemClock(), SystemEntropy())
    notice = Notice(
        kind=NoticeKind.SIGN_IN_CODE,
        user_id=None,
        to=NUMBER,
        locale="en",
        name="Mina",
        facts={"code": "482913", "minutes": "10", "host": "localhost"},
        channel="text",
    )
    taken, ready, stop = asyncio.Event(), asyncio.Event(), asyncio.Event()
    provider.on_taken = taken.set
    told = settings.model_copy(update={"texts": twilio(provider.origin)})
    serving = asyncio.create_task(delivery.serve(told, ready.set, stop))
    await ready.wait()
    try:
        async with asyncio.timeout(5):
            async with database("idp").begin() as tx:
                await queue.put(tx, notice)
            await taken.wait()
    finally:
        stop.set()
        await serving

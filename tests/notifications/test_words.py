"""Every kind of notice, in both languages: its facts are said, and nothing that came from outside gets out of hand."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from itertools import product
from uuid import UUID

import msgspec
import pytest

from config.sections.surroundings import SupportSettings
from notifications.letter import WrongNotice, write
from notifications.mail import TEMPLATES, Mails, WrongAddress, mailbox, recipient
from notifications.notice import NEEDED, Notice, NoticeKind, missing_facts
from pages.catalogue import Catalogue
from pages.locale import LOCALES, Locale
from pages.renderer import OWN as PAGES

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
FACTS = {
    "code": "482913",
    "minutes": "5",
    "left": "7",
    "device": "맥북",
    "browser": "Firefox 140",
    "place": "KR",
    "network": "Example Telecom",
    "at": "2026-11-22T08:55:00+00:00",
    "link": "https://id.example.com/sign-in/mail/open?token=ghi",
    "not_me": "https://id.example.com/not-me/abc",
    "recovery": "https://id.example.com/recover/def",
    "app": "Moonlight",
    "message": "W4SCT",
    "requests": "https://id.example.com/account/requests",
    "outcome": "kept",
    "reason": "administrator",
    "change": "enrolled",
    "what": "granted",
    "role": "auditor",
    "passkey": "Desk key",
    "roles": "https://console.example.com/api/policy/elevations/mine",
    "by": "Ada",
    "why": "go on",
    "until": "2026-11-22T09:55:00+00:00",
    "ready": "2026-11-23T08:55:00+00:00",
    "stop": "https://id.example.com/recover/stop",
    "factor": "passkey",
    "what_ko": "한옥 하룻밤 × 2",
    "what_en": "A night in a hanok × 2",
    "number": "5b1d2f0c",
    "reservation": "https://shop.example.com/reservations/5b1d2f0c",
    "order": "https://shop.example.com/orders/5b1d2f0c",
    "goods": "350000 KRW",
    "shipping": "10000 KRW",
    "vat": "32727 KRW",
    "carrier": "Moon Express",
    "tracking": "TRACK-77",
    "paid": "360000 KRW",
    "fee": "0500 USD",
    "refund": "180000 KRW",
    "extent": "whole",
    "payment": "refused",
    "subject": "Set up a passkey",
    "text": "From 1 December on you need it to sign in. " + "It takes a minute. " * 20,
    "account": "https://id.example.com/account/factors",
}
VARIANTS = [
    *(({}, kind) for kind in NoticeKind),
    *(({"outcome": outcome}, NoticeKind.ATTEMPT) for outcome in ("abandoned", "refused")),
    *(
        ({"reason": reason}, NoticeKind.SESSION_ENDED)
        for reason in ("response", "account_lock", "password_change", "device_removal", "refresh_reuse", "idle")
    ),
    ({"change": "removed", "factor": "totp"}, NoticeKind.FACTOR_CHANGED),
    *(({"what": what}, NoticeKind.ROLE) for what in ("refused", "over")),
    ({"factor": "Something new"}, NoticeKind.FACTOR_CHANGED),
    ({"extent": "part"}, NoticeKind.RESERVATION_CANCELLED),
    *(({"payment": payment}, NoticeKind.RESERVATION_NOT_PAID) for payment in ("too_late", "returned")),
    ({"extent": "part"}, NoticeKind.ORDER_CANCELLED),
    *(({"payment": payment}, NoticeKind.ORDER_NOT_PAID) for payment in ("too_late", "returned")),
]
SAID: dict[NoticeKind, tuple[str, ...]] = {
    NoticeKind.SIGN_IN_CODE: ("482913",),
    NoticeKind.TAKEOVER: ("맥북", "Firefox 140", "Example Telecom", "https://id.example.com/not-me/abc"),
    NoticeKind.ATTEMPT: ("맥북", "Firefox 140", "https://id.example.com/not-me/abc"),
    NoticeKind.SESSION_ENDED: ("https://id.example.com/not-me/abc",),
    NoticeKind.NEW_DEVICE: ("맥북", "Firefox 140", "https://id.example.com/not-me/abc"),
    NoticeKind.PASSWORD_CHANGED: ("https://id.example.com/not-me/abc",),
    NoticeKind.FACTOR_CHANGED: ("https://id.example.com/not-me/abc",),
    NoticeKind.ACCOUNT_LOCKED: ("https://id.example.com/recover/def",),
    NoticeKind.SIGN_IN_LINK: (FACTS["link"], "5", "맥북", "Firefox 140"),
    NoticeKind.RECOVERY: ("https://id.example.com/recover/def", "5"),
    NoticeKind.REMEMBERED_STOLEN: ("https://id.example.com/not-me/abc",),
    NoticeKind.FACTOR_GUESSED: ("맥북", "Firefox 140", "https://id.example.com/not-me/abc"),
    NoticeKind.SIGN_IN_REQUEST: ("Moonlight", "W4SCT", "5", "https://id.example.com/account/requests"),
    NoticeKind.ROLE: ("auditor", "Ada", "go on", "https://console.example.com/api/policy/elevations/mine"),
    NoticeKind.PROGRAMME: ("From 1 December on", "https://id.example.com/account/factors"),
    **dict.fromkeys(
        (kind for kind in NoticeKind if kind.startswith("reservation_")),
        ("× 2", "5b1d2f0c", "₩360,000", "5.00", "₩180,000", "https://shop.example.com/reservations/5b1d2f0c"),
    ),
    **dict.fromkeys(
        (kind for kind in NoticeKind if kind.startswith("order_")),
        (
            *("× 2", "5b1d2f0c", "₩350,000", "₩10,000", "₩32,727", "₩360,000", "₩180,000"),
            *("Moon Express", "TRACK-77", "https://shop.example.com/orders/5b1d2f0c"),
        ),
    ),
    NoticeKind.PASSWORD_BREACHED: ("https://id.example.com/not-me/abc",),
    NoticeKind.RECOVERY_WAITING: ("맥북", "Firefox 140", "https://id.example.com/recover/stop"),
    NoticeKind.RECOVERY_READY: ("https://id.example.com/recover/def",),
    NoticeKind.RECOVERY_STOPPED: ("https://id.example.com/not-me/abc",),
    NoticeKind.RESET_AGREED: ("https://id.example.com/recover/stop",),
    NoticeKind.PASSKEY_COPIED: ("Desk key", "맥북", "Firefox 140", "https://id.example.com/not-me/abc"),
    NoticeKind.RECOVERY_CODE_USED: ("7", "맥북", "Firefox 140", "https://id.example.com/not-me/abc"),
}


@pytest.fixture(scope="module")
def mails() -> Mails:
    return Mails("문지기 <no-reply@id.example.com>", SupportSettings(name="고객센터", email="help@example.com"))


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.load(PAGES / "templates" / "messages.toml", TEMPLATES / "messages.toml")


def notice(kind: NoticeKind, locale: str = "ko", **facts: str) -> Notice:
    return Notice(
        kind=kind,
        user_id=UUID(int=7),
        to="mina@example.com",
        locale=locale,
        name="김민아",
        facts=FACTS | facts,
        correlation_id="corr-1234",
    )


def part(mail: EmailMessage, kind: str) -> str:
    found = mail.get_body((kind,))
    assert found is not None
    return str(found.get_content())


@pytest.mark.parametrize(("variant", "locale"), list(product(VARIANTS, LOCALES)))
def test_every_kind_says_its_facts(mails: Mails, variant: tuple[dict[str, str], NoticeKind], locale: Locale) -> None:
    facts, kind = variant
    mail = mails.mail(UUID(int=1), notice(kind, locale, **facts), NOW)
    text, html = part(mail, "plain"), part(mail, "html")
    for said in SAID[kind]:
        assert said in text
        assert said in html
    if kind not in (NoticeKind.SIGN_IN_CODE, NoticeKind.RECOVERY):
        moment = "2026년 11월 22일 오후 5:55" if locale == "ko" else "22 Nov 2026, 17:55"
        zone = "대한민국 표준시" if locale == "ko" else "Korean Standard Time"
        assert f"{moment} ({zone})" in text
    assert ("김민아 님" if locale == "ko" else "Hello 김민아,") in text
    for both in ("help@example.com", "corr-1234"):
        assert both in text
        assert both in html
    assert "{" not in text
    for remote in ("<img", "src=", "@import", "url(", "<script", "<table", "http-equiv"):
        assert remote not in html
    assert f'<html lang="{locale}">' in html
    assert "prefers-color-scheme: dark" in html
    again: EmailMessage = message_from_bytes(mail.as_bytes(), policy=default)
    assert again["Subject"] == mail["Subject"]
    assert again.get_content_type() == "multipart/alternative"
    assert all(len(line) <= 998 for line in mail.as_bytes().split(b"\r\n"))  # RFC 5322, section 2.1.1


@pytest.mark.parametrize("kind", NoticeKind)
def test_what_a_kind_needs_is_enough(mails: Mails, kind: NoticeKind) -> None:
    bare = msgspec.structs.replace(notice(kind), facts={name: FACTS[name] for name in NEEDED[kind]})
    assert missing_facts(bare) == []
    mails.mail(UUID(int=1), bare, NOW)


@pytest.mark.parametrize("wrong", [{"paid": "360000"}, {"fee": "x KRW"}, {"extent": "some"}])
def test_a_sum_or_a_word_that_makes_no_sense_is_not_sent(mails: Mails, wrong: dict[str, str]) -> None:
    with pytest.raises(WrongNotice):
        mails.mail(UUID(int=1), notice(NoticeKind.RESERVATION_CANCELLED, **wrong), NOW)


@pytest.mark.parametrize(("left", "few"), [("3", False), ("2", True), ("1", True), ("0", True)])
def test_few_recovery_codes_are_warned_of(mails: Mails, left: str, few: bool) -> None:
    mail = mails.mail(UUID(int=1), notice(NoticeKind.RECOVERY_CODE_USED, "en", left=left), NOW)
    assert ("few are left" in str(mail["Subject"])) is few
    assert ("make new ones now" in part(mail, "plain")) is few
    assert f"Codes left: {left}" in part(mail, "plain")


def test_a_subject_never_holds_the_code(mails: Mails) -> None:
    for kind, locale in product(NoticeKind, LOCALES):
        assert "482913" not in str(mails.mail(UUID(int=1), notice(kind, locale), NOW)["Subject"])


def test_the_clock_of_the_reader(catalogue: Catalogue) -> None:
    def when(**facts: str) -> str:
        return dict(write(notice(NoticeKind.PASSWORD_CHANGED, "en", **facts), catalogue, "help").facts)["When"]

    assert when(time_zone="Europe/Berlin") == "22 Nov 2026, 09:55 (Central European Standard Time)"
    assert when(at="2026-11-22T10:00:00+02:00") == "22 Nov 2026, 17:00 (Korean Standard Time)"
    assert when(time_zone="../../etc/passwd") == when(time_zone="Nowhere/Atall") == when()


def test_an_unknown_place_is_left_out(catalogue: Catalogue) -> None:
    facts = dict(write(notice(NoticeKind.NEW_DEVICE, "en", place="", device="", message=""), catalogue, "help").facts)
    assert list(facts) == ["When", "Browser"]


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        (NoticeKind.PASSWORD_CHANGED, {"at": "yesterday"}),
        (NoticeKind.PASSWORD_CHANGED, {"at": "2026-11-22T08:55:00"}),
        (NoticeKind.PASSWORD_CHANGED, {"not_me": "javascript:alert(1)"}),
        (NoticeKind.RECOVERY, {"recovery": "https://id.example.com/a b"}),
        (NoticeKind.ATTEMPT, {"outcome": "won"}),
        (NoticeKind.FACTOR_CHANGED, {"change": "polished"}),
    ],
)
def test_what_cannot_be_said_is_refused_by_name(catalogue: Catalogue, kind: NoticeKind, facts: dict[str, str]) -> None:
    with pytest.raises(WrongNotice, match=next(iter(facts))):
        write(notice(kind, **facts), catalogue, "help")


def test_nothing_from_outside_becomes_a_header_or_markup(mails: Mails) -> None:
    evil = msgspec.structs.replace(
        notice(NoticeKind.TAKEOVER, device="<b>x</b>\r\n\r\nVisit me", browser="B" * 5000),
        name="Mina\r\nBcc: everybody@example.com\r\n\r\n<script>",
    )
    mail = mails.mail(UUID(int=1), evil, NOW)
    again: EmailMessage = message_from_bytes(mail.as_bytes(), policy=default)
    assert set(again.keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type",
        "Content-Language",
    }  # fmt: skip
    assert [address.addr_spec for address in again["To"].addresses] == ["mina@example.com"]
    html, text = part(mail, "html"), part(mail, "plain")
    assert "<script>" not in html
    assert "<b>x</b>" not in html
    assert "B" * 121 not in text
    assert "\nVisit me" not in text


@pytest.mark.parametrize(
    "address",
    [
        "",
        "mina",
        "@example.com",
        "mina@",
        "a@b@c",
        "<a@b.c>",
        "a b@c.d",
        "a@b.c, d@e.f",
        "a@b.c\r\nBcc: x@y.z",
        "김@b.c",
    ],
)
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(WrongAddress):
        recipient(address, "Mina")


def test_a_korean_domain_travels_in_ascii() -> None:
    assert recipient("mina@한국.kr", "민아").addr_spec == "mina@xn--3e0b707e.kr"


@pytest.mark.parametrize("sender", ["", "Munjigi", "a@b.c, d@e.f", "x <a@b.c>\r\nBcc: x@y.z"])
def test_a_sender_must_be_one_mailbox(sender: str) -> None:
    with pytest.raises(WrongAddress):
        mailbox(sender)

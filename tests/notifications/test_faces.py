"""A mail bears the face of its person's organisation; what the organisation does not say, the product does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from uuid import UUID, uuid4

import pytest

from config.connections import Database
from config.sections.engines import Role
from config.sections.surroundings import SupportSettings
from idp.directory.account import Face as OrganisationFace
from idp.directory.account import Organisation, Support
from idp.storage import directory
from notifications.face import Face
from notifications.mail import Mails
from notifications.notice import Notice, NoticeKind
from notifications.storage import faces
from pages.contrast import contrast, tokens
from pages.logo import LARGEST
from pages.look import Look, checked_look
from tests.idp.people import BEGUN, HOUSE, add_person
from tests.notifications.conftest import CourierTo, Put
from tests.notifications.mail_server import mail_server
from tests.pages.test_look import png

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
NAME = {"ko": "달빛 상점", "en": "Moonlight"}
ACCENT = {"light": "#7a1fa2", "dark": "#e0a3ff"}
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><circle cx="4" cy="4" r="3"/></svg>'
SUPPORT = SupportSettings(name="고객센터", email="help@example.com")


def mail(face: Face, locale: str = "en") -> EmailMessage:
    notice = Notice(
        kind=NoticeKind.RECOVERY,
        user_id=UUID(int=7),
        to="mina@example.com",
        locale=locale,
        name="Mina",
        facts={"recovery": "https://id.example.com/recover/x", "minutes": "5"},
    )
    written = Mails("문지기 <no-reply@id.example.com>", SUPPORT).mail(UUID(int=1), notice, NOW, face)
    sent: EmailMessage = message_from_bytes(written.as_bytes(), policy=default)
    return sent


def said(mail: EmailMessage, kind: str) -> str:
    found = mail.get_body((kind,))
    assert found is not None
    return str(found.get_content())


@pytest.mark.parametrize("locale", ["ko", "en"])
def test_name_accent_and_support(locale: str) -> None:
    face = Face(
        checked_look(name=NAME, accent=ACCENT), SupportSettings(name="Moonlight Care", email="care@moon.example")
    )
    written = mail(face, locale)
    html, text = said(written, "html"), said(written, "plain")
    for both in (NAME[locale], "care@moon.example"):
        assert both in html
        assert both in text
    assert "help@example.com" not in html + text
    assert f"background:{ACCENT['light']};color:#ffffff" in html
    assert f"background: {ACCENT['dark']} !important; color: #000000" in html
    assert "<img" not in html
    assert written["From"].addresses[0].addr_spec == "no-reply@id.example.com"


def test_what_is_not_said_is_the_products_own() -> None:
    written = mail(Face(checked_look(name=NAME)))
    html = said(written, "html")
    assert tokens()["accent"]["light"] in html
    assert "help@example.com" in html
    nobodys = said(mail(Face()), "html")
    assert "Munjigi" in nobodys
    assert NAME["en"] not in nobodys


def test_a_button_can_always_be_read() -> None:
    for accent in (ACCENT, tokens()["accent"]):
        colours = Face(checked_look(name=NAME, accent=dict(accent))).colours()
        assert contrast(colours["light"], colours["on_light"]) >= 4.5
        assert contrast(colours["dark"], colours["on_dark"]) >= 4.5


def test_a_logo_goes_along_and_nothing_is_fetched() -> None:
    logo = png()
    written = mail(Face(checked_look(name=NAME, logo=logo)))
    html = said(written, "html")
    [part] = [part for part in written.walk() if part.get_content_type() == "image/png"]
    assert part.get_content() == logo
    assert f'src="cid:{part["Content-ID"].strip("<>")}"' in html
    assert "http" not in html.replace("https://id.example.com/recover/x", "")
    assert len(written.as_bytes()) < 3 * LARGEST


def test_an_svg_stays_at_home() -> None:
    written = mail(Face(checked_look(name=NAME, logo=SVG)))
    assert "<img" not in said(written, "html")
    assert not [part for part in written.walk() if part.get_content_maintype() == "image"]


async def test_the_face_is_that_of_the_organisation_joined_first(database: Callable[[Role], Database]) -> None:
    other = uuid4()
    support = Support(name="Moonlight Care", phone="02 000 0000")
    async with database("idp").begin() as tx:
        mina = await add_person(tx)
        await directory.put_organisation(
            tx, Organisation(id=other, name="Other", time_zone="Asia/Seoul", duplicate_login=None), BEGUN
        )
        await directory.put_membership(tx, mina.id, other, ("customer",), BEGUN + timedelta(days=1))
        look = checked_look(name=NAME, accent=ACCENT)
        assert await directory.put_face(tx, OrganisationFace(organisation_id=HOUSE, look=look, support=support))
        theirs = checked_look(name={"ko": "다른 곳", "en": "Elsewhere"})
        assert await directory.put_face(tx, OrganisationFace(organisation_id=other, look=theirs, support=None))
    async with database("notifications").connect() as tx:
        found = await faces.of_person(tx, mina.id)
        assert await faces.of_person(tx, uuid4()) == Face()
    assert isinstance(found.look, Look)
    assert found.brand("en", "Munjigi") == "Moonlight"
    assert found.support == SupportSettings(name="Moonlight Care", email="", phone="02 000 0000", url="")


async def test_the_worker_asks_whose_person_it_is(
    database: Callable[[Role], Database], put: Put, courier_to: CourierTo
) -> None:
    async with database("idp").begin() as tx:
        mina = await add_person(tx)
        face = OrganisationFace(organisation_id=HOUSE, look=checked_look(name=NAME), support=None)
        assert await directory.put_face(tx, face)
    await put(user_id=mina.id)
    await put(user_id=None)
    async with mail_server() as server:
        assert await courier_to(server.address).deliver_due() == 2
    branded = [NAME["ko"] in said(one, "plain") for one in server.answers.taken]
    assert sorted(branded) == [False, True]

"""By the settings of `docs/how-to/send-text-messages.md` texts leave, to the countries that it names and no further."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import msgspec
import pytest
from pydantic import SecretStr

from config.clock import SystemClock
from config.entropy import SystemEntropy
from config.settings import Settings, load_settings
from idp.credentials import text_guard
from idp.factors.phone_number import MOST_PEOPLE
from notifications.texts.chosen import provider_of
from notifications.texts.provider import Text
from tests.docs.test_examples import PROJECT, blocks
from tests.idp.administration.conftest import House, house
from tests.idp.people import HOUSE
from tests.notifications.text_servers import NHN_SECRET, SECRET, TOKEN, text_provider

__all__ = ["house"]

PAGE = PROJECT / "docs" / "how-to" / "send-text-messages.md"
SECRETS = {
    "twilio": ("twilio_token", TOKEN),
    "solapi": ("solapi_secret", SECRET),
    "nhn": ("nhn_secret_key", NHN_SECRET),
}


def as_the_page_says(monkeypatch: pytest.MonkeyPatch, name: str) -> Settings:
    """The settings of one block of the page, as a process reads them."""
    [(_, block)] = blocks(PAGE, name)
    for setting, value in (line.split("=", 1) for line in block.splitlines()):
        monkeypatch.setenv(setting, value)
    return load_settings()


@pytest.mark.parametrize("name", SECRETS)
async def test_each_provider_takes_a_text(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    told = as_the_page_says(monkeypatch, name)
    assert told.texts_go_by == name
    now = SystemClock().now()
    text = Text(id=uuid4(), to="+821012345678", words="482913", expires_at=now + timedelta(minutes=10))
    async with text_provider() as server:
        secret, value = SECRETS[name]
        here = {f"{name}_api": server.origin, secret: SecretStr(value)}
        texts = told.texts.model_copy(update=here)
        provider = provider_of(told.model_copy(update={"texts": texts}), SystemEntropy())
        assert provider is not None
        assert await provider.send(text, now)
        await provider.leave()
        assert len(server.taken) == 1


def test_the_limits_are_those_of_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    told = as_the_page_says(monkeypatch, "guard").texts
    assert (told.countries, told.a_day) == (Settings().texts.countries, Settings().texts.a_day)
    page = PAGE.read_text(encoding="utf-8")
    block, country = text_guard.WATCHES
    assert (block.enough, block.least, country.enough, country.least) == (10, 5, 100, 20)
    assert (block.window, block.pause, country.pause) == (6 * text_guard.HOUR, text_guard.DAY, text_guard.DAY)
    assert MOST_PEOPLE == 5
    for limit, said in (
        (text_guard.TEXTS_OF_PERSON, "to one person 10 an hour"),
        (text_guard.TEXTS_OF_PERSON_A_DAY, "and 20 a day"),
        (text_guard.TEXTS_OF_NUMBER, "to one number 5"),
        (text_guard.TEXTS_OF_NUMBER_A_DAY, "and 15"),
        (text_guard.TEXTS_OF_ADDRESS, "from one address 60 an hour"),
        (text_guard.TEXTS_OF_BLOCK, "30 an hour"),
    ):
        assert str(limit.attempts) in said
        assert said in page


async def test_an_organisation_names_countries_of_its_own(house: House) -> None:
    [(_, body)] = blocks(PAGE, "json")
    before = await house.got(f"/organisations/{HOUSE}")
    assert before["text_countries"] is None
    changed = await house("PUT", f"/organisations/{HOUSE}", {**msgspec.json.decode(body), "version": before["version"]})
    assert changed.status_code == 200, changed.text
    assert changed.json()["text_countries"] == ["KR", "JP"]
    without = {name: value for name, value in msgspec.json.decode(body).items() if name != "text_countries"}
    again = await house("PUT", f"/organisations/{HOUSE}", {**without, "version": changed.json()["version"]})
    assert again.json()["text_countries"] == ["KR", "JP"]
    wrong = {**without, "version": again.json()["version"], "text_countries": ["Korea"]}
    assert (await house("PUT", f"/organisations/{HOUSE}", wrong)).status_code in (400, 422)

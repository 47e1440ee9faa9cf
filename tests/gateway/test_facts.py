"""What is known of where a request comes from: country, network, and whether the session's browser sent it."""

from __future__ import annotations

import ipaddress

import pytest

from config.places import Places
from config.sections.surroundings import PlaceSettings
from config.settings import Settings
from gateway.callers.caller import Caller
from gateway.decision.facts import FACTS_KEPT, STRANGERS_KEPT, FactsFinder
from gateway.decision.risk_memory import RiskMemory
from gateway.exchange import Forward
from gateway.inbound.browser import OTHER, browser_of
from policy.request import DeviceTrust
from policy.risk.observation import observe
from tests.config.mmdb import written_database
from tests.gateway.rig import Rig, head
from tests.gateway.test_judge import identity

NETWORKS = ((ipaddress.ip_network("198.51.100.0/24"), "office"),)
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)


@pytest.fixture
def finder(tmp_path) -> FactsFinder:
    countries = written_database(tmp_path / "kr.mmdb", {"country_code": "KR"})
    return FactsFinder(NETWORKS, Places.load(Settings(place=PlaceSettings(countries=countries))), RiskMemory())


def caller(**more) -> Caller:
    return Caller(identity(1, 0.0).__class__(**{**_fields(identity(1, 0.0)), **more}))


def _fields(known) -> dict[str, object]:
    return {name: getattr(known, name) for name in known.__struct_fields__}


def test_the_country_now_and_at_the_sign_in(finder: FactsFinder) -> None:
    facts = finder.find(caller(session_address="203.0.113.1"), "198.51.100.9", "")
    assert (facts.country, facts.session_country, facts.network) == ("KR", "KR", "office")
    assert observe(facts, None).same_country is True


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "", "nonsense"])
def test_an_address_without_a_country_has_none(finder: FactsFinder, address: str) -> None:
    facts = finder.find(caller(session_address="203.0.113.1"), address, "")
    assert facts.country == ""
    assert observe(facts, None).same_country is False  # unknown never helps: it was known at the sign-in (P1)
    assert finder.anonymous(address).country == ""


def test_the_browser_that_signed_in_is_the_sessions_device(finder: FactsFinder) -> None:
    facts = finder.find(caller(session_browser="Chrome on Windows"), "198.51.100.9", "Chrome on Windows")
    assert facts.device_trust is DeviceTrust.KNOWN
    assert observe(facts, None).same_device is True


@pytest.mark.parametrize("browser", ["Firefox on Linux", OTHER, ""])
def test_another_browser_is_another_device_of_which_nothing_is_known(finder: FactsFinder, browser: str) -> None:
    facts = finder.find(caller(session_browser="Chrome on Windows"), "198.51.100.9", browser)
    assert facts.device_trust is DeviceTrust.UNKNOWN
    assert observe(facts, None).same_device is False


def test_where_the_sign_ins_browser_is_unknown_nothing_is_concluded(finder: FactsFinder) -> None:
    facts = finder.find(caller(), "198.51.100.9", "Firefox on Linux")
    assert (facts.device_trust, observe(facts, None).same_device) == (DeviceTrust.KNOWN, True)


def test_the_same_objects_are_kept_and_nothing_grows(finder: FactsFinder) -> None:
    one = caller()
    assert finder.find(one, "198.51.100.9", "a") is finder.find(one, "198.51.100.9", "a")
    for number in range(3 * FACTS_KEPT):
        finder.find(one, "198.51.100.9", str(number))
    assert len(one.facts) <= FACTS_KEPT
    assert finder.anonymous("198.51.100.9") is finder.anonymous("198.51.100.9")
    for number in range(STRANGERS_KEPT + 5):
        finder.anonymous(f"10.0.{number >> 8}.{number & 255}")
    assert len(finder._anonymous) <= STRANGERS_KEPT


@pytest.mark.parametrize(
    ("user_agent", "browser"),
    [
        ("", ""),
        ("curl/8.5.0", OTHER),
        (CHROME, "Chrome on Windows"),
        (CHROME.replace("140", "141"), "Chrome on Windows"),
        (CHROME + " Edg/140.0.0.0", "Edge on Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/18.5 Mobile/15E148 Safari/604.1",
            "Safari on iOS",
        ),
        (
            "Mozilla/5.0 (Linux; Android 15; SM-S938N) AppleWebKit/537.36 (KHTML, like Gecko) "
            "SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
            "Samsung Internet on Android",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18 Safari/605.1.15",
            "Safari on macOS",
        ),
    ],
)
def test_browsers_are_told_apart_whatever_their_version(user_agent: str, browser: str) -> None:
    assert browser_of(user_agent) == browser


async def test_a_cookie_that_another_browser_shows_raises_the_risk(rig: Rig) -> None:
    """From the header field to the decision log."""
    await rig.project()
    cookie = (b"cookie", await rig.cookie(browser="Chrome on Windows"))
    for user_agent in (CHROME.encode(), b"curl/8.5.0"):
        verdict = await rig.ask(head("/products", headers=[cookie, (b"user-agent", user_agent)]))
        assert isinstance(verdict, Forward)
    here, elsewhere = (int(str(record["risk"])) for record in rig.heard.records[-2:])
    assert elsewhere >= here + 40

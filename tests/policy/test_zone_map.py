"""The map shows what is there: zones, what they demand, who enters, what flows; as data, and as a picture for all."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from pages.locale import LOCALES, Locale
from pages.picture import fitted, wrapped
from policy import demo
from policy.artefact import Band, Flow, Inheritance, Policy, Zone
from policy.zone_map.map import MOST_ROLES, MappedEntry, MappedZone, ZoneMap, zone_map
from policy.zone_map.picture import MOST_LINES, description, draw
from policy.zone_map.routes import SHIPPED, MappedRoutes, read_routes
from tests.policy.samples import policy, rule

SVG = "{http://www.w3.org/2000/svg}"
TABLE = read_routes(SHIPPED, 8123)
GIVEN = policy(
    rule("read", methods=("GET", "HEAD")),
    rule("own", zone="stock", role="client:shop"),
    rule("everywhere", zone="*", role="support"),
    zones=(
        Zone("shop", services=("client:shop",)),
        Zone("stock", assurance=2, max_age=600, services=("certificate:till",)),
        Zone("safe", assurance=2, max_age=60, within="stock", max_risk=10),
    ),
    inheritance=(Inheritance("vendor", "customer"), Inheritance("chief", "vendor", "org-1")),
    flows=(Flow("shop", "stock", ("GET", "POST"), certificate=True),),
    bands=(Band("late", 60, ("methods:GET|HEAD",)), Band("vip", 20, ("limit:6",), zone="shop")),
)


def mapped(given: Policy = GIVEN, table: MappedRoutes | None = TABLE) -> ZoneMap:
    return zone_map(given, 7, table)


def zone(shown: ZoneMap, name: str) -> MappedZone:
    (found,) = [zone for zone in shown.zones if zone.name == name]
    return found


def test_a_zone_is_shown_with_all_that_is_known_of_it() -> None:
    shop = zone(mapped(), "shop")
    assert [(route.address, route.path, route.upstream) for route in shop.routes] == [
        ("shop.localhost:8123", "/", "commerce"),
        ("shop.localhost:8123", "/cart", "commerce"),
        ("shop.localhost:8123", "/api/cart", "commerce"),
        ("shop.localhost:8123", "/orders/payments/webhooks", "commerce"),
        ("shop.localhost:8123", "/assets", "commerce"),
    ]
    assert (shop.upstreams, shop.services) == (("commerce",), ("client:shop",))
    assert (shop.outage, shop.grace, shop.expired_tokens) == ("grace", 60, 900)
    assert [band.id for band in shop.bands] == ["vip", "late"]
    assert zone(mapped(), "stock").bands[0].id == "late"


def test_roles_enter_where_a_rule_allows_them_something() -> None:
    entered = {each.name: each.entered_by for each in mapped().zones}
    assert entered["shop"] == (
        MappedEntry("customer", changes=False, held_by=("chief", "vendor")),
        MappedEntry("support", changes=True),
    )
    assert entered["stock"] == (MappedEntry("client:shop", changes=True), MappedEntry("support", changes=True))
    assert entered["safe"] == (MappedEntry("support", changes=True),)


def test_a_zone_of_the_routes_alone_lets_nobody_in() -> None:
    admin = zone(mapped(), "admin")
    assert (admin.in_policy, admin.entered_by, admin.outage, admin.bands) == (False, (), "strict", ())
    assert len(admin.routes) == 3


def test_flows_tell_whose_they_are_and_what_is_stricter_there() -> None:
    (flow,) = mapped().flows
    assert (flow.source, flow.to, flow.by, flow.certificate) == ("shop", "stock", ("client:shop",), True)
    assert flow.stricter_in == ("assurance", "max_age")


@pytest.mark.parametrize("content", ["routes = 7", "not toml [", "\xff"])
def test_a_route_table_that_cannot_be_read_is_not_known(tmp_path: Path, content: str) -> None:
    file = tmp_path / "routes.toml"
    file.write_bytes(content.encode("latin-1"))
    assert read_routes(file, 8080) is None
    assert read_routes(tmp_path / "nowhere", 8080) is None
    shown = mapped(table=None)
    assert (shown.routes_known, zone(shown, "shop").outage) == (False, "")
    assert "can't be read" in description(shown, "en")
    assert "can&#x27;t be read" in draw(shown, "en")


def test_very_many_roles_are_counted() -> None:
    rules = [rule(f"r{number}", role=f"role-{number}") for number in range(MOST_ROLES + 50)]
    shop = zone(mapped(policy(*rules)), "shop")
    assert (len(shop.entered_by), shop.more_roles) == (MOST_ROLES, 50)
    drawn = draw(mapped(policy(*rules)), "en")
    assert f">and {MOST_ROLES + 50 - MOST_LINES + 1} more<" in drawn
    assert "and 50 more" in description(mapped(policy(*rules)), "en")


@pytest.mark.parametrize("locale", LOCALES)
def test_the_picture_says_all_of_it_to_those_who_do_not_see_it(locale: Locale) -> None:
    shown = mapped()
    root = ElementTree.fromstring(draw(shown, locale))
    assert root.get("role") == "graphics-document document"
    assert root.get("lang") == locale
    title, desc = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert desc is not None
    assert root.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"
    assert desc.text == description(shown, locale)
    for word in ("shop", "stock", "client:shop", "certificate:till", "commerce", "customer", "methods:GET|HEAD"):
        assert word in desc.text
    named = {group.get("aria-label") for group in root.iter(f"{SVG}g")}
    assert {"shop", "stock"} <= named
    assert len(named) == len(shown.zones) + len(shown.flows)
    words = " ".join("".join(text.itertext()) for text in root.iter(f"{SVG}text"))
    assert all(each.name in words for each in shown.zones)


def test_both_languages_say_different_words_of_the_same_things() -> None:
    english, korean = description(mapped(), "en"), description(mapped(), "ko")
    assert "two factors or a passkey" in english
    assert "인증 두 가지 또는 패스키" in korean
    assert not [character for character in english if character > "\u2fff"]


def test_it_is_readable_in_the_dark_and_in_the_light() -> None:
    assert "@media (prefers-color-scheme: dark)" in draw(mapped(), "en")


def test_no_name_gets_out_of_its_text() -> None:
    hostile = Zone("shop", services=('client:"><script>alert(1)</script>&', "client:" + "x" * 120))
    drawn = draw(mapped(policy(rule("a"), zones=(hostile,))), "en")
    root = ElementTree.fromstring(drawn)
    assert "<script" not in drawn
    assert root.find(f".//{SVG}script") is None


def test_cards_do_not_overlap_and_lines_stay_inside() -> None:
    root = ElementTree.fromstring(draw(mapped(), "en"))
    cards = [group for group in root.iter(f"{SVG}g") if group.get("role") == "graphics-object group"]
    below = 0.0
    for card in cards:
        box = card.find(f"{SVG}rect")
        assert box is not None
        top, height = float(box.get("y", "")), float(box.get("height", ""))
        assert top > below
        below = top + height
        assert all(top < float(text.get("y", "")) < below for text in card.iter(f"{SVG}text"))


def test_the_shipped_policy_has_a_map() -> None:
    shown = zone_map(demo.shipped_policy(), None, TABLE)
    assert [(each.name, each.in_policy, bool(each.routes)) for each in shown.zones] == [
        ("admin", True, True),
        ("reservation", True, True),
        ("shop", True, True),
    ]
    assert draw(replace(shown, zones=()), "ko")


def test_texts_are_cut_and_broken_by_their_width() -> None:
    assert fitted("abc", 100, 10) == "abc"
    assert fitted("구역구역구역", 30, 10) == "구역…"
    assert wrapped("aaa bbb ccc", 45, 10) == ["aaa bbb", "ccc"]

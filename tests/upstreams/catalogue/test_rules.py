"""The rules of the catalogue without an engine: words, options, attributes, states, versions, times, forecasts."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from config.problem import Problem
from upstreams.commerce.catalogue import attributes
from upstreams.commerce.catalogue.categories import ShopCategory, may_stand, path_of
from upstreams.commerce.catalogue.options import (
    Category,
    Value,
    check,
    chosen_in,
    combinations,
    is_combination,
    key_of,
    price_of,
)
from upstreams.commerce.catalogue.pictures import draw_anew
from upstreams.commerce.catalogue.types import ProductKind, Strategies, Strategy
from upstreams.commerce.lifecycle import states
from upstreams.commerce.lifecycle.states import Event, Life, State, enter, plan_launch
from upstreams.commerce.lifecycle.times import launch_delay, stays, time_in_states
from upstreams.commerce.lifecycle.versions import diff, number_of
from upstreams.commerce.search.asked import Place, Search, band_of, cursor_of, place_of, read
from upstreams.commerce.search.letters import (
    distance,
    grams_of,
    initials_of,
    inner_grams_of,
    is_initials,
    letters_of,
    nearest,
    words_of,
)
from upstreams.commerce.stocking.forecast import Rule, forecast, per_day

NOW = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
COLOUR = Category("color", {}, [Value("red", {}), Value("blue", {}, 1000)])
SIZE = Category("size", {}, [Value("m", {}), Value("l", {}, 2000)])


def test_korean_is_taken_apart_into_what_is_typed():
    assert letters_of("닭고기") == "ㄷㅏㄹㄱㄱㅗㄱㅣ"
    assert letters_of("과일") == "ㄱㅗㅏㅇㅣㄹ"
    assert letters_of("tea") == "tea"
    assert initials_of("선물세트") == "ㅅㅁㅅㅌ"
    assert initials_of("tea") == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("보성 세작 녹차 80g", ["보성", "세작", "녹차", "80g"]),
        ("Café CRÈME, ﬁne!", ["cafe", "creme", "fine"]),
        ("ㅅㅁㅌ", ["ㅅㅁㅌ"]),
        ("\u1102\u1169\u11a8\u110e\u1161", ["녹차"]),
        ("a'b:*|&!<->", ["a", "b"]),
        ("", []),
    ],
)
def test_words_are_folded(text: str, words: list[str]):
    assert words_of(text) == words


@given(st.text(max_size=60))
def test_no_text_breaks_out_of_a_query(text: str):
    for word in words_of(text):
        assert word.isalnum()
        assert not set(word) & set("'\\:*&|!()<> ")


def test_one_keystroke_is_one_letter():
    assert distance(letters_of("녹챠"), letters_of("녹차"), 2) == 1
    assert distance("sejka", "sejak", 2) == 1
    assert distance("abcdef", "uvwxyz", 2) == 3
    known = [("녹차", letters_of("녹차"), 3), ("홍차", letters_of("홍차"), 9)]
    assert nearest(letters_of("녹챠"), known) == ["녹차"]


@given(st.text("abc가나다", min_size=1, max_size=8), st.text("abc가나다", min_size=1, max_size=8))
def test_a_distance_is_the_same_from_both_ends(one: str, other: str):
    assert distance(one, other, 9) == distance(other, one, 9)
    assert (distance(one, other, 9) == 0) == (one == other)


@given(st.text("abcdefg", min_size=3, max_size=12), st.data())
def test_what_is_inside_shares_its_pieces(word: str, data: st.DataObject):
    start = data.draw(st.integers(0, len(word) - 1))
    inside = word[start : data.draw(st.integers(start + 1, len(word)))]
    assert set(inner_grams_of(inside)) <= set(grams_of(word))


def test_first_consonants_are_told_from_words():
    assert is_initials("ㅅㅁㅌ")
    assert not is_initials("ㅅ")
    assert not is_initials("ㅅa")


def test_a_search_is_read_from_an_address():
    search = read([("q", "녹차 Green"), ("category", "tea"), ("category", "food"), ("a.x", "1"), ("order", "cheap")])
    assert search.words == ("녹차", "green")
    assert search.facets == [["a.x:1"], ["category:food", "category:tea"]]
    for wrong in (("order", "odd"), ("limit", "0"), ("limit", "x"), ("q", "a" * 101), ("q", "\0"), ("after", "???")):
        with pytest.raises(Problem):
            read([wrong])


def test_a_place_belongs_to_its_search():
    search, product = Search(("a",)), UUID(int=5)
    cursor = cursor_of(search, -1.5, product, broad=False)
    assert place_of(cursor, search) == Place(place_of(cursor, search).search, -1.5, product, False)
    with pytest.raises(Problem, match="MJ-COM-107"):
        place_of(cursor, Search(("b",)))


def test_price_bands():
    assert [band_of(minor, "KRW") for minor in (0, 9_999, 10_000, 300_000)] == [0, 0, 1, 4]
    assert band_of(1000, "USD") == 1


def test_a_choice_has_one_key_whatever_its_order():
    assert key_of({"size": "m", "color": "red"}) == key_of({"color": "red", "size": "m"}) == "color=red;size=m"
    assert chosen_in("color=red;size=m") == {"color": "red", "size": "m"}
    assert chosen_in(key_of({})) == {}


def test_combinations_and_what_they_cost():
    assert len(combinations([COLOUR, SIZE])) == 4
    assert combinations([]) == [{}]
    assert is_combination([COLOUR, SIZE], {"color": "red", "size": "m"})
    assert not is_combination([COLOUR, SIZE], {"color": "red"})
    assert not is_combination([COLOUR, SIZE], {"color": "red", "size": "xl"})
    assert price_of(10_000, None, [COLOUR, SIZE], {"color": "blue", "size": "l"}) == 13_000
    assert price_of(10_000, 5_000, [COLOUR, SIZE], {"color": "blue", "size": "l"}) == 5_000
    with pytest.raises(ValueError, match="once"):
        check([COLOUR, COLOUR])


def test_attributes_are_refused_whole():
    schema = {
        "properties": {
            "material": {"type": "string", "enum": ["wool"]},
            "weight": {"type": "integer", "minimum": 1},
            "tags": {"type": "array", "items": {"type": "string", "maxLength": 3}},
        },
        "required": ["material"],
    }
    attributes.check_schema(schema)
    assert attributes.check(schema, {"material": "wool", "weight": 3, "tags": ["a"]}) == []
    assert attributes.check(schema, {"weight": True, "tags": ["long"], "odd": 1}) == [
        "material: it is needed",
        "odd: it is not an attribute of this type",
        "tags[0]: 0 to 3 characters",
        "weight: it is a integer",
    ]


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"type": "string", "pattern": "(a+)+$"}}},
        {"properties": {"a": {"type": "object"}}},
        {"properties": {"A": {"type": "string"}}},
        {"required": ["a"]},
        {"$ref": "#"},
        {"properties": {"a": {"type": "string", "enum": [1]}}},
    ],
)
def test_a_schema_that_says_more_is_refused(schema: dict[str, object]):
    with pytest.raises(ValueError):
        attributes.check_schema(schema)


def test_a_strategy_is_a_registration():
    voucher = Strategy(
        "voucher",
        {"ko": "상품권", "en": "Voucher"},
        act="order",
        counted="nowhere",
        attributes={"properties": {"valid_days": {"type": "integer", "minimum": 1}}, "required": ["valid_days"]},
    )
    registered = Strategies([*Strategies(), voucher])
    kind = ProductKind("gift_card", "voucher", {}, {})
    assert registered.wrong(kind, {}) == ["valid_days: it is needed"]
    assert registered.wrong(kind, {"valid_days": 30}) == []
    with pytest.raises(Problem, match="MJ-COM-101"):
        Strategies().of("voucher")
    with pytest.raises(ValueError, match="twice"):
        Strategies([voucher, voucher])


def test_a_tree_stays_a_tree():
    tree = [ShopCategory("food", None, {}, 0), ShopCategory("tea", "food", {}, 0), ShopCategory("green", "tea", {}, 0)]
    assert path_of("green", {one.code: one.parent for one in tree}) == ["food", "tea", "green"]
    assert may_stand(ShopCategory("black", "tea", {}, 0), tree)
    assert not may_stand(ShopCategory("food", "green", {}, 0), tree)
    assert not may_stand(ShopCategory("odd", "nowhere", {}, 0), tree)
    deep = [ShopCategory(str(at), str(at - 1) if at else None, {}, 0) for at in range(6)]
    assert not may_stand(ShopCategory("6", "5", {}, 0), deep)


def state(code: str, *follows: str, **more: object) -> State:
    values = {"sellable": False, "position": 1, "on_entry": "nothing", "shipped": True} | more
    return State(code, {}, {}, follows=follows, **values)  # type: ignore[arg-type]


TESTING = state("testing", "ready")
READY = state("ready", "on_sale", on_entry="version", position=2)
ON_SALE = state("on_sale", "suspended", "discontinued", on_entry="launch", sellable=True, position=3)
SUSPENDED = state("suspended", "on_sale", position=4)
ENDED = state("discontinued", on_entry="end", position=5)
LIFE = Life(uuid4(), "testing", 1, NOW, None, None, None, None)


def test_a_life_keeps_the_rules_of_dates():
    with pytest.raises(Problem, match="MJ-COM-109"):
        enter(LIFE, READY, TESTING, NOW, version=False, offered=True)
    ready = enter(LIFE, READY, TESTING, NOW, version=True, offered=False)
    with pytest.raises(Problem, match="MJ-COM-110"):
        enter(ready, ON_SALE, READY, NOW, version=True, offered=False)
    with pytest.raises(Problem, match="MJ-COM-108"):
        enter(ready, ENDED, READY, NOW, version=True, offered=True)
    sold = enter(ready, ON_SALE, READY, NOW, version=True, offered=True)
    assert sold.launched_at == NOW
    later = NOW + timedelta(days=3)
    again = enter(replace(sold, state="suspended"), ON_SALE, SUSPENDED, later, version=True, offered=True)
    assert again.launched_at == NOW, "the launch is the first one"
    ended = enter(again, ENDED, ON_SALE, NOW - timedelta(days=1), version=True, offered=True)
    assert ended.ended_at == NOW, "a clock that runs backwards ends nothing before its launch"


def test_a_launch_is_planned_ahead():
    due = NOW + timedelta(hours=1)
    planned = plan_launch(LIFE, TESTING, NOW, due, NOW)
    assert (planned.planned_launch_at, planned.launch_due_at) == (NOW, due)
    for life, here, at, moment in (
        (LIFE, TESTING, None, NOW),
        (LIFE, ON_SALE, None, due),
        (replace(LIFE, ended_at=NOW), ENDED, NOW, None),
        (replace(LIFE, launched_at=NOW), SUSPENDED, due, None),
    ):
        with pytest.raises(Problem, match="MJ-COM-112"):
            plan_launch(life, here, at, moment, NOW)


def test_states_that_ship_keep_what_they_do():
    known = [TESTING, READY, ON_SALE, SUSPENDED, ENDED]
    more = state("preorder", "on_sale", sellable=True, position=9, shipped=False)
    states.check(more, ["ready"], known)
    states.check(replace(READY, follows=("on_sale", "preorder")), ["testing"], [*known, more])
    for wrong, before in (
        (replace(ON_SALE, sellable=False), ["ready", "suspended"]),
        (replace(READY, follows=()), ["testing"]),
        (READY, ["testing", "suspended"]),
    ):
        with pytest.raises(Problem, match="MJ-COM-111"):
            states.check(wrong, before, known)
    for odd in (replace(more, follows=("nowhere",)), replace(more, follows=("preorder",)), replace(more, position=1)):
        with pytest.raises(ValueError):
            states.check(odd, [], known)


def test_time_in_each_state_and_the_delay():
    hour = timedelta(hours=1)

    def event(number: int, before: str | None, after: str, at: timedelta) -> Event:
        return Event(number, before, after, "", None, NOW + at)

    events = [
        event(1, None, "planning", 0 * hour),
        event(2, "planning", "planning", hour),
        event(3, "planning", "on_sale", 2 * hour),
        event(4, "on_sale", "suspended", 5 * hour),
        event(5, "suspended", "on_sale", 6 * hour),
    ]
    life = replace(LIFE, state="on_sale", planned_launch_at=NOW + hour, launched_at=NOW + 2 * hour)
    now = NOW + 10 * hour
    assert [stay.state for stay in stays(life, events, now)] == ["planning", "on_sale", "suspended", "on_sale"]
    assert time_in_states(life, events, now) == {"planning": 2 * hour, "on_sale": 7 * hour, "suspended": hour}
    assert sum(time_in_states(life, events, now).values(), timedelta()) == 10 * hour
    assert launch_delay(life, now) == hour
    assert launch_delay(replace(life, planned_launch_at=NOW + 3 * hour), now) == -hour
    assert launch_delay(replace(life, launched_at=None), now) == 9 * hour
    assert launch_delay(replace(life, launched_at=None, planned_launch_at=now + hour), now) is None


def test_versions_are_compared_place_by_place():
    before = {"name": {"ko": "가"}, "skus": [{"code": "A", "price": 1}, {"code": "B", "price": 2}]}
    after = {"name": {"ko": "나"}, "skus": [{"code": "B", "price": 3}, {"code": "C", "price": 4}]}
    found = {one.path: (one.before, one.after) for one in diff(before, after)}
    assert found == {
        "name.ko": ("가", "나"),
        "skus.A": ({"code": "A", "price": 1}, None),
        "skus.B.price": (2, 3),
        "skus.C": (None, {"code": "C", "price": 4}),
    }
    assert diff(before, before) == []
    assert number_of("1.10") > number_of("1.9")
    assert number_of("1.0") == number_of("1")


def test_a_forecast_looks_more_at_lately():
    assert per_day([2] * 28) == pytest.approx(2)
    assert per_day([28, *[0] * 27]) > 1 > per_day([*[0] * 27, 28])
    assert per_day([6, 6], known_days=2) == pytest.approx(6)
    assert per_day([-3]) == 0
    steady = forecast(10, [2] * 28)
    assert steady.days_left == pytest.approx(5)
    assert steady.low(Rule(threshold=0, lead_days=7))
    assert not steady.low(Rule(threshold=0, lead_days=4))
    assert forecast(3, []).low(Rule())
    assert forecast(100, []).days_left is None


def test_a_picture_is_drawn_anew():
    out = io.BytesIO()
    Image.new("RGB", (2000, 1000), (200, 10, 10)).save(out, "JPEG", exif=b"Exif\0\0where-it-was-taken")
    drawn = draw_anew(out.getvalue() + b"<script>alert(1)</script>")
    assert (drawn.media, drawn.width, drawn.height) == ("image/jpeg", 1600, 800)
    assert b"where-it-was" not in drawn.content
    assert b"script" not in drawn.content
    out = io.BytesIO()
    Image.new("RGBA", (10, 10), (0, 0, 0, 0)).save(out, "WEBP")
    assert draw_anew(out.getvalue()).media == "image/png"
    for wrong in (b"", b"<svg onload='alert(1)'/>", b"GIF89a", out.getvalue()[:20]):
        with pytest.raises(Problem, match="MJ-COM-117"):
            draw_anew(wrong)

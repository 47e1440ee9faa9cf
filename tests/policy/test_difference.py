"""What one policy says that another does not."""

from __future__ import annotations

import msgspec

from policy import artefact, demo
from policy.artefact import Inheritance, Organisation, Policy, Zone
from policy.difference import Difference, changes, difference, summary
from tests.policy.samples import rule

SHIPPED = demo.shipped_policy()
CHANGED = msgspec.structs.replace(
    SHIPPED,
    rules=(*SHIPPED.rules[1:], rule("new", "/new", condition='country == "KR"')),
    zones=(*(zone for zone in SHIPPED.zones if zone.name != "shop"), Zone("shop", assurance=2)),
    roles=(*SHIPPED.roles, "auditor"),
    inheritance=(*SHIPPED.inheritance, Inheritance("auditor", "customer", "org-1")),
    organisations={**SHIPPED.organisations, "org-1": Organisation("Asia/Tokyo")},
)


def test_every_part_of_a_policy_is_compared() -> None:
    told = difference(SHIPPED, CHANGED, version=2, against=1)
    first = SHIPPED.rules[0].id
    assert [(change.id, change.change) for change in told.rules] == sorted([("new", "added"), (first, "removed")])
    assert [(change.id, change.change) for change in told.zones] == [("shop", "changed")]
    assert [(change.id, change.change) for change in told.roles] == [("auditor", "added")]
    assert [(change.id, change.change) for change in told.inheritance] == [("auditor customer org-1", "added")]
    assert [(change.id, change.change) for change in told.organisations] == [("org-1", "added")]
    parts = set(changes(SHIPPED, CHANGED))
    assert parts == set(Policy.__struct_fields__)
    assert set(Difference.__struct_fields__) - parts <= {
        *("version", "against", "others", "text"),
        *("assignments", "resources"),
    }


def test_the_text_is_made_of_lines_that_policy_files_have() -> None:
    lines = difference(SHIPPED, CHANGED, version=2, against=1).text.splitlines()
    assert '+ p,100,new,customer,*,shop,/new,*,"country == ""KR""",allow,' in lines
    assert "+ g,auditor,customer,org-1" in lines
    assert any(line.startswith("- zones shop {") for line in lines)
    assert '+ zones shop {"assurance":2,"name":"shop"}' in lines
    assert {line[:2] for line in lines} == {"- ", "+ "}


def test_back_again_is_the_opposite() -> None:
    there, back = changes(SHIPPED, CHANGED), changes(CHANGED, SHIPPED)
    opposite = {"added": "removed", "removed": "added", "changed": "changed"}
    for part, made in there.items():
        assert [(each.id, opposite[each.change], each.after, each.before) for each in made] == [
            (each.id, each.change, each.before, each.after) for each in back[part]
        ]


def test_the_same_differs_in_nothing_whatever_the_order() -> None:
    shuffled = msgspec.structs.replace(SHIPPED, rules=SHIPPED.rules[::-1], zones=SHIPPED.zones[::-1])
    assert artefact.encode(shuffled) == artefact.encode(SHIPPED)
    assert not any(changes(SHIPPED, shuffled).values())
    assert summary(SHIPPED, shuffled) == {}


def test_against_nothing_all_is_new() -> None:
    told = difference(None, SHIPPED, version=1, against=None)
    assert {change.change for change in told.rules} == {"added"}
    assert len(told.rules) == len(SHIPPED.rules)


def test_a_summary_stays_small() -> None:
    many = msgspec.structs.replace(SHIPPED, rules=tuple(rule(f"r{index:05}", "/x") for index in range(5000)))
    told = summary(SHIPPED, many)
    assert told["rules"]["added"]["count"] == 5000  # type: ignore[index]
    assert len(msgspec.json.encode(told)) < 2000

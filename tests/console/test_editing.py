"""What the editor makes of the lines that somebody types: read as the policy service reads them, and never lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Page

from policy import casbin_lines
from tests.console.modules import modules

pytestmark = pytest.mark.browser

ODD = (
    "p,1,a,*,*,shop,/**,GET,\"country in ('KR', 'US')\",allow,",
    "p, 2, b , customer,*,shop,/orders/:id,POST|PUT,,deny,",
    'p,3,c,customer,*,*,/x,*,"risk > 70 and country == ""KR""",reduce,mask:phone|read_only',
    'p,4,d,customer,*,*,"/a,b",*,,allow,',
    "g,vendor,customer,*",
)
PIECE = 100
"""Lines of one piece, as the editor has them."""


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with modules() as page:
        yield page


async def run(page: Page, body: str, given: Any = None) -> Any:
    """Run a function's body; `given` is its argument."""
    return await page.evaluate(f"async (given) => {{ {body} }}", given)


async def test_lines_are_read_and_written_as_the_service_does(page: Page) -> None:
    found = await run(page, 'const { values } = await import("console/lines"); return given.map(values);', ODD)
    for line, values in zip(ODD, found, strict=True):
        read = casbin_lines.read(line)
        if read.rules:
            (rule,) = read.rules
            assert values == ["p", *casbin_lines.values(rule, rule.condition)]
        else:
            (link,) = read.inheritance
            assert values == ["g", link.role, link.inherits, link.organisation]
    body = (
        'const { values, written } = await import("console/lines"); return given.map((line) => written(values(line)));'
    )
    again = casbin_lines.read("\n".join(await run(page, body, ODD)))
    assert again.rules == casbin_lines.read("\n".join(ODD)).rules


async def test_comments_and_quotes_without_an_end_are_no_rules(page: Page) -> None:
    lines = ["", "  # a note", 'p,1,a,*,*,*,/**,GET,"open', "p,1,a"]
    body = 'const { rule } = await import("console/lines"); return given.map(rule);'
    assert await run(page, body, lines) == [None] * 4


def text_of(count: int) -> str:
    return "".join(f"p,{number},r{number},customer,*,shop,/x/{number},GET,,allow,\n" for number in range(1, count + 1))


async def test_a_long_text_is_typed_in_piece_by_piece(page: Page) -> None:
    body = """
    const { Pieces } = await import("console/pieces");
    const pieces = new Pieces(given);
    const place = pieces.find(150);
    const before = [pieces.count, pieces.lines, pieces.changed, place, pieces.rules.length];
    pieces.replace(place, "p,9,new,customer,*,shop,/new,GET,,allow,", "# another line");
    pieces.replace(pieces.find(0));
    return { before, lines: pieces.lines, text: pieces.text, changed: pieces.changed,
      first: pieces.rules[0].id, line: pieces.placed([{ rule: "new" }])[0].line, start: pieces.start(2) };
    """
    text = text_of(250)
    found = await run(page, body, text)
    assert found["before"] == [3, 250, False, {"index": 1, "line": 50}, 250]
    lines = text.splitlines()
    lines[150:151] = ["p,9,new,customer,*,shop,/new,GET,,allow,", "# another line"]
    del lines[0]
    assert found["text"].splitlines() == lines
    assert (found["lines"], found["changed"], found["first"]) == (250, True, "r2")
    assert lines[found["line"] - 1].startswith("p,9,new")
    assert found["start"] == 2 * PIECE


async def test_what_is_found_is_placed_by_its_rule_or_its_line(page: Page) -> None:
    body = """
    const { Pieces } = await import("console/pieces");
    const pieces = new Pieces(given);
    pieces.put(0, `# a note\n${pieces.piece(0)}`);
    const found = [{ rule: "r120" }, { line: 121 }, { line: 1 }, { rule: "nobody" }, { rule: "r3", line: 7 }, {}];
    return pieces.placed(found).map(({ rule, line }) => [rule, line]);
    """
    found = await run(page, body, text_of(130))
    assert found == [["r120", 121], ["r120", 121], ["", 1], ["nobody", 0], ["r3", 7], ["", 0]]


async def test_what_was_typed_is_kept_and_comes_back(page: Page) -> None:
    body = """
    const { Draft } = await import("console/editing");
    const document = { rules: given, roles: ["customer"], zones: [], tests: [], version: {}, signature: null };
    const draft = new Draft(document, "1");
    const clean = draft.kept;
    draft.rules.replace(draft.rules.find(120), "p,9,new,customer,*,shop,/new,GET,,allow,");
    draft.rest = '{"roles": ["customer", "guest"]}';
    const other = new Draft(document, "1");
    other.take(draft.kept);
    return { clean, same: other.rules.text === draft.rules.text, body: other.body, dirty: other.dirty };
    """
    found = await run(page, body, text_of(150))
    assert (found["clean"], found["same"], found["dirty"]) == ("", True, True)
    assert found["body"]["roles"] == ["customer", "guest"]
    assert "signature" not in found["body"]


async def test_it_comes_back_on_what_others_saved_meanwhile_too(page: Page) -> None:
    body = """
    const { Draft } = await import("console/editing");
    const whole = (rules) => ({ rules, roles: ["customer"], zones: [], tests: [], version: {} });
    const draft = new Draft(whole(given), "1");
    draft.rules.replace(draft.rules.find(1), "p,2,r2,guest,*,shop,/mine,GET,,allow,");
    const other = new Draft(whole(given.replace("/x/3,", "/theirs,")), "2");
    other.take(draft.kept);
    return other.rules.text;
    """
    text = await run(page, body, text_of(5))
    assert "/mine" in text
    assert "/theirs" in text
    assert [rule.id for rule in casbin_lines.read(text).rules] == ["r1", "r2", "r3", "r4", "r5"]


async def test_my_changes_are_laid_on_theirs(page: Page) -> None:
    body = """
    const { Draft } = await import("console/editing");
    const [base, theirs] = given;
    const whole = (rules, roles) => ({ rules, roles, zones: [], tests: [], version: {} });
    const draft = new Draft(whole(base, ["a"]), "1");
    draft.rules.replace(draft.rules.find(0));
    draft.rules.replace(draft.rules.find(0), "p,2,r2,guest,*,shop,/mine,GET,,allow,");
    draft.rest = '{"roles": ["a", "mine"]}';
    const both = draft.layOn(whole(theirs, ["a", "theirs"]), "2");
    return { both, text: draft.rules.text, etag: draft.etag, body: draft.body };
    """
    base = text_of(4)
    theirs = base.replace("/x/2,", "/theirs/2,").replace("/x/4,", "/theirs/4,") + "g,vendor,customer,*\n"
    found = await run(page, body, [base, theirs])
    rules = {rule.id: rule for rule in casbin_lines.read(found["text"]).rules}
    assert sorted(rules) == ["r2", "r3", "r4"]
    assert rules["r2"].path == "/mine"
    assert rules["r4"].path == "/theirs/4"
    assert found["text"].rstrip().endswith("g,vendor,customer,*")
    assert found["both"] == ["p r2", "rest"]
    assert found["etag"] == "2"
    assert found["body"]["roles"] == ["a", "mine"]


async def test_differences_are_of_meaning_not_of_spaces(page: Page) -> None:
    body = 'const { differences } = await import("console/pieces"); return differences(...given);'
    before = text_of(3)
    after = before.replace("p,1,", "p, 1, ").replace("/x/2,", "/y/2,").replace("r3", "r4")
    found = await run(page, body, [before, after])
    assert [(one["key"], one["change"]) for one in found] == [
        ("p r2", "changed"),
        ("p r3", "removed"),
        ("p r4", "added"),
    ]


async def test_differences_follow_what_is_typed(page: Page) -> None:
    body = """
    const { Compared, Pieces, differences } = await import("console/pieces");
    const [before, after, other] = given;
    const pieces = new Pieces(after);
    const compared = new Compared(before);
    const both = () => [compared.differences(pieces), differences(before, pieces.text)];
    const found = [both()];
    pieces.replace(pieces.find(0), "p,1,r1,guest,*,shop,/typed,GET,,allow,", "# a note");
    pieces.add("p,9,new,guest,*,shop,/new,GET,,allow,");
    found.push(both());
    pieces.put(1, "");
    found.push(both());
    pieces.become(before);
    found.push(both());
    const fewer = new Pieces(other);
    found.push([compared.differences(fewer), differences(before, fewer.text)]);
    return found;
    """
    before = text_of(250) + text_of(1)
    found = await run(page, body, [before, before.replace("/x/120,", "/y,"), text_of(3)])
    for one, other in found:
        assert sorted(one, key=str) == sorted(other, key=str)
    assert [len(one) for one, _ in found] == [1, 3, 102, 0, 247]


async def test_a_hundred_thousand_rules_can_be_edited(page: Page) -> None:
    body = """
    const { Pieces } = await import("console/pieces");
    const pieces = new Pieces(given);
    pieces.replace(pieces.find(99_999), "p,1,last,customer,*,shop,/last,GET,,allow,");
    return { rules: pieces.rules.length, first: pieces.rules[1].id, lines: pieces.lines, typed: pieces.typed.length };
    """
    found = await run(page, body, text_of(100_000))
    assert found == {"rules": 100_000, "first": "r1", "lines": 100_000, "typed": 1}

"""Entity tags of what the policy API keeps (RFC 9110, sections 8.8.3 and 13.1.1)."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from config.entity_tags import tag
from config.problem import Problem
from policy.admin.etags import require_match

NOW = tag("version", 7, "draft", "abc")


def asked(*sent: str) -> Request:
    headers = [(b"if-match", value.encode("latin-1")) for value in sent]
    return Request({"type": "http", "method": "PUT", "headers": headers})


@pytest.mark.parametrize("sent", [(NOW,), ("*",), (f'"old", {NOW}',), (f'W/"x",, "a,b" , {NOW} ',), ('"old"', NOW)])
def test_a_change_of_what_is_there_now_passes(sent: tuple[str, ...]) -> None:
    require_match(asked(*sent), NOW)


@pytest.mark.parametrize("sent", ['"old"', f"W/{NOW}", NOW.strip('"'), "", '"', '"old", *', f'"{NOW}'])
def test_a_change_of_anything_else_is_refused_and_told_the_tag_of_now(sent: str) -> None:
    with pytest.raises(Problem) as refused:
        require_match(asked(sent), NOW)
    assert refused.value.kind.status == 412
    assert refused.value.headers == {"ETag": NOW}


def test_a_change_of_nobody_knows_what_is_refused() -> None:
    with pytest.raises(Problem) as refused:
        require_match(asked(), NOW)
    assert refused.value.kind.status == 428


def test_a_tag_tells_its_parts_apart() -> None:
    told = {tag("ab", "c"), tag("a", "bc"), tag("abc"), tag("abc", ""), tag()}
    assert len(told) == 5
    assert all(one.startswith('"') and one.isascii() for one in told)


def test_hostile_headers_cost_little() -> None:
    with pytest.raises(Problem):
        require_match(asked(", ," * 20_000 + '"' * 20_001), NOW)

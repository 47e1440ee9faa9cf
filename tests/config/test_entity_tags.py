"""What is not sent again to whoever has it (RFC 9110, section 13.1.2)."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from config.entity_tags import unchanged

NOW = '"7"'


def asked(*sent: str) -> Request:
    headers = [(b"if-none-match", value.encode("latin-1")) for value in sent]
    return Request({"type": "http", "method": "GET", "headers": headers})


@pytest.mark.parametrize("sent", [(NOW,), ("*",), (f"W/{NOW}",), (f'"6", {NOW}',), ('"6"', NOW)])
def test_whoever_has_it_is_not_sent_it_again(sent: tuple[str, ...]) -> None:
    assert unchanged(asked(*sent), NOW)


@pytest.mark.parametrize("sent", [(), ("",), ('"6"',), ("7",), ('"77"',), ('"6", *',)])
def test_everybody_else_is(sent: tuple[str, ...]) -> None:
    assert not unchanged(asked(*sent), NOW)

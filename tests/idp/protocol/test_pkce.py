"""RFC 7636, with its own vector."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from idp.protocol import pkce

VECTOR = json.loads((Path(__file__).parent / "vectors" / "rfc7636_appendix_b.json").read_text())


def test_appendix_b() -> None:
    assert pkce.challenge_of(VECTOR["verifier"]) == VECTOR["challenge"]
    assert pkce.verifies(VECTOR["verifier"], VECTOR["challenge"])


def test_the_plain_method_does_not_pass() -> None:
    assert not pkce.verifies(VECTOR["verifier"], VECTOR["verifier"])


@pytest.mark.parametrize(
    "verifier",
    ["", "a" * 42, "a" * 129, "a" * 42 + "\n", "a" * 43 + "\n", "a" * 42 + "/", "a" * 42 + "é"],
)
def test_malformed_verifiers(verifier: str) -> None:
    assert not pkce.is_verifier(verifier)
    assert not pkce.verifies(verifier, VECTOR["challenge"])


@pytest.mark.parametrize("challenge", ["", "a" * 42, "a" * 44, "a" * 43 + "\n", "a" * 42 + "=", "a" * 42 + "~"])
def test_malformed_challenges(challenge: str) -> None:
    assert not pkce.is_challenge(challenge)


def test_the_longest_and_the_shortest_verifier() -> None:
    assert pkce.is_verifier("a" * 43)
    assert pkce.is_verifier("~" * 128)

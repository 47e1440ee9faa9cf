"""A policy as files: written, read again, refused where it is none."""

from __future__ import annotations

import pytest
from hypothesis import given

from policy import artefact, files
from policy.artefact import Organisation, Policy
from policy.demo import shipped_policy
from tests.policy.samples import policy, rule
from tests.policy.strategies import policies


@given(policies())
def test_files_give_back_the_policy_that_was_written(given_policy: Policy) -> None:
    read, _ = files.read(files.write(given_policy))
    assert artefact.encode(read) == artefact.encode(given_policy)


def test_the_shipped_policy_is_such_files_too() -> None:
    written = files.write(shipped_policy())
    assert set(written) == {"rules.csv", "policy.toml"}
    read, lines = files.read(written)
    assert artefact.encode(read) == artefact.encode(shipped_policy())
    assert lines.where["shop.read"] > 0


def test_odd_names_and_texts_survive() -> None:
    odd = policy(rule("a"), organisations={"*": Organisation(), "b@c:d.e": Organisation(time_zone="Europe/Paris")})
    assert files.read(files.write(odd))[0].organisations == odd.organisations
    for text in ("", 'a"b', "a\\b", "\n\t\x01", "\x7f", "한", "\U0001f600"):
        assert f"k = {files._inline(text)}" in "".join(files._toml({"k": text}))
        assert files.tomllib.loads("".join(files._toml({"k": text, "d": {text: {"v": [text]}}}))) == {
            "k": text,
            "d": {text: {"v": [text]}},
        }


@pytest.mark.parametrize(
    ("given_files", "where", "about"),
    [
        ({"rules.csv": "p, 1\nq"}, ("rules.csv", 1), "values"),
        ({"policy.toml": "roles = ["}, ("policy.toml", 0), "Invalid"),
        ({"policy.toml": "roles = [1]"}, ("policy.toml", 0), "roles"),
        ({"policy.toml": "rules = []"}, ("policy.toml", 0), "rules.csv"),
        ({"policy.toml": "colours = []"}, ("policy.toml", 0), "colours"),
    ],
)
def test_what_is_no_policy_says_where(given_files: dict[str, str], where: tuple[str, int], about: str) -> None:
    with pytest.raises(files.WrongFiles, match=about) as refused:
        files.read(given_files)
    assert refused.value.faults[0][:2] == where

"""The blocks of `docs/how-to/end-tls-at-the-gateway.md` do what the page says."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from config.settings import GatewaySettings
from policy.artefact import Policy, Zone
from policy.casbin_lines import WrongLines
from policy.lint import Fault, lint
from tests.docs.test_examples import PROJECT, blocks, defined_by

PAGE = PROJECT / "docs" / "how-to" / "end-tls-at-the-gateway.md"


def test_its_settings_are_settings() -> None:
    together: dict[str, Any] = {}
    for _, block in blocks(PAGE, "toml"):
        together |= tomllib.loads(block)["gateway"]
    settings = GatewaySettings.model_validate(together)
    assert (settings.origin_scheme, settings.client_certificates) == ("https", "optional")
    assert set(together) == {
        "listen", "tls_certificate", "tls_key", "tls_others", "client_ca", "client_certificates",
    }  # fmt: skip


def test_its_rules_are_sound() -> None:
    lines = defined_by(PAGE)["lines"]
    findings = lint(Policy(("customer",), (Zone("shop"),), lines.rules, lines.inheritance))
    assert [finding for finding in findings if finding.fault is not Fault.ADMINISTRATOR_LOCKED_OUT] == []


@pytest.mark.parametrize("wrong", ["till.example", "till 7!"])
def test_what_a_condition_cannot_write_is_said(wrong: str) -> None:
    line = f'p, 10, a, customer, *, shop, /**, *, client_certificate_name == "{wrong}", allow,'
    with pytest.raises(WrongLines, match="client_certificate_name is compared with a short text"):
        defined_by(PAGE)["read"](line)

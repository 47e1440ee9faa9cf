"""What a token is bound to, and the certificate of RFC 8705, Appendix A."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest

from idp.protocol.confirmation import (
    UnknownConfirmation,
    certificate_thumbprint,
    confirmation_of,
    is_met,
    read_client_cert,
)

RFC = json.loads((Path(__file__).parent / "vectors" / "rfc8705_appendix_a.json").read_text())
DER = base64.b64decode(RFC["certificate"])
PEM = f"-----BEGIN CERTIFICATE-----\n{RFC['certificate']}\n-----END CERTIFICATE-----\n"


def test_the_thumbprint_of_appendix_a() -> None:
    assert certificate_thumbprint(DER) == RFC["x5t#S256"]


@pytest.mark.parametrize("written", [f":{RFC['certificate']}:", f" :{RFC['certificate']}: ", quote(PEM)])
def test_a_certificate_in_a_header(written: str) -> None:
    assert read_client_cert(written.encode()) == DER


@pytest.mark.parametrize(
    "written",
    ["", ":", "::", RFC["certificate"], ":!:", ":AAA:", "-----BEGIN", quote(PEM)[:-9], ":" + "A" * 17_000 + ":"],
)
def test_what_is_no_certificate_in_a_header(written: str) -> None:
    assert read_client_cert(written.encode()) is None


def test_what_is_bound_and_what_is_proven() -> None:
    assert confirmation_of({}) == {}
    assert confirmation_of({"cnf": {"jkt": "a"}}) == {"jkt": "a"}
    assert is_met({}, {"jkt": "a"})
    assert is_met({"jkt": "a"}, {"jkt": "a", "x5t#S256": "b"})
    assert not is_met({"jkt": "a"}, {})
    assert not is_met({"jkt": "a"}, {"x5t#S256": "a"})
    assert not is_met({"jkt": "a", "x5t#S256": "b"}, {"jkt": "a"})


@pytest.mark.parametrize("cnf", [{}, "jkt", [], {"jwk": {}}, {"jkt": 5}, {"jkt": "a", "kid": "b"}])
def test_what_cannot_be_checked_is_not_taken_for_free(cnf: object) -> None:
    with pytest.raises(UnknownConfirmation):
        confirmation_of({"cnf": cnf})

"""Message encryption, by the example of RFC 8291, and by a browser's half that was written from the RFCs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec

from notifications.web_push.encryption import LONGEST, encrypt, point, read_key
from tests.notifications.web_push.browser import PushBrowser, private_key, unb64

VECTOR = json.loads((Path(__file__).parent / "rfc8291.json").read_text())


def test_the_example_of_rfc_8291_octet_by_octet() -> None:
    sender = private_key(VECTOR["as_private"])
    assert point(sender.public_key()) == unb64(VECTOR["as_public"])
    body = encrypt(
        unb64(VECTOR["plaintext"]),
        browser_key=unb64(VECTOR["ua_public"]),
        secret=unb64(VECTOR["auth_secret"]),
        sender=sender,
        salt=unb64(VECTOR["salt"]),
    )
    assert body == unb64(VECTOR["body"])


def test_the_browser_of_these_tests_reads_the_example() -> None:
    browser = PushBrowser("https://push.example/x", private_key(VECTOR["ua_private"]), unb64(VECTOR["auth_secret"]))
    assert browser.public == unb64(VECTOR["ua_public"])
    assert browser.decrypt(unb64(VECTOR["body"])) == b"When I grow up, I want to be a watermelon"


@pytest.mark.parametrize("size", [0, 1, 100, LONGEST])
def test_what_is_sent_is_read_by_its_browser_alone(size: int) -> None:
    browser, other = PushBrowser("https://push.example/x"), PushBrowser("https://push.example/y")
    body = encrypt(
        b"x" * size,
        browser_key=browser.public,
        secret=browser.secret,
        sender=ec.generate_private_key(ec.SECP256R1()),
        salt=b"s" * 16,
    )
    assert len(body) <= 4096, "push services take no more (RFC 8030, section 7.2)"
    assert browser.decrypt(body) == b"x" * size
    with pytest.raises(InvalidTag):
        other.decrypt(body)


def test_what_has_the_wrong_form_is_refused() -> None:
    browser, sender = PushBrowser("https://push.example/x"), ec.generate_private_key(ec.SECP256R1())

    def of(
        message: bytes = b"", key: bytes = browser.public, secret: bytes = b"s" * 16, salt: bytes = b"s" * 16
    ) -> None:
        with pytest.raises(ValueError):
            encrypt(message, browser_key=key, secret=secret, sender=sender, salt=salt)

    of(b"x" * (LONGEST + 1))
    of(secret=b"short")
    of(salt=b"short")
    of(key=browser.public[:-1])
    of(key=b"\x04" + b"\x01" * 64)  # no point of the curve
    with pytest.raises(ValueError):
        read_key(b"\x02" + browser.public[1:33])

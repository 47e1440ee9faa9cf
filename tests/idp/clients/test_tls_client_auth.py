"""Certificates that prove clients: RFC 8705, sections 2.1 and 2.2."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from idp.clients.metadata import ClientMetadata
from idp.clients.tls_client_auth import Authorities, ClientCertificate, is_registered, names_client
from tests.idp.keys import Key, certificate, der, san_ip

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
CA_KEY, OTHER_KEY, KEY = Key(), Key(), Key()
CA = certificate(CA_KEY, NOW, subject="CN=an authority", authority=True, days=30)
OTHER = certificate(OTHER_KEY, NOW, subject="CN=an authority", authority=True, days=30)
NAMES = (
    x509.DNSName("app.example"),
    x509.UniformResourceIdentifier("https://app.example/id"),
    san_ip("192.0.2.1"),
    x509.RFC822Name("app@example.org"),
)


def shown(found: x509.Certificate, *chain: x509.Certificate) -> ClientCertificate:
    return ClientCertificate(der(found), tuple(der(one) for one in chain))


def issued(**how: Any) -> x509.Certificate:
    return certificate(KEY, NOW, **{"issuer": (CA, CA_KEY), **how})


def test_an_authority_vouches_for_what_it_issued() -> None:
    authorities = Authorities([CA])
    assert authorities.vouch_for(shown(issued()), NOW)
    assert authorities.vouch_for(shown(issued(usage=None, names=NAMES)), NOW)
    assert not authorities.vouch_for(shown(certificate(KEY, NOW)), NOW), "self-signed"
    assert not authorities.vouch_for(shown(issued(issuer=(OTHER, OTHER_KEY))), NOW), "of another of the same name"
    assert not authorities.vouch_for(shown(issued()), NOW + timedelta(days=1, seconds=1)), "over"
    assert not authorities.vouch_for(shown(issued()), NOW - timedelta(days=1, seconds=1)), "not yet"
    assert not authorities.vouch_for(shown(issued(usage=ExtendedKeyUsageOID.SERVER_AUTH)), NOW), "for servers"
    assert not authorities.vouch_for(shown(issued(authority=True)), NOW), "an authority is no client"
    assert not authorities.vouch_for(ClientCertificate(b"none"), NOW)


def test_what_stands_between_is_sent_along() -> None:
    middle_key = Key()
    middle = certificate(middle_key, NOW, subject="CN=between", issuer=(CA, CA_KEY), authority=True, days=30)
    leaf = issued(issuer=(middle, middle_key))
    assert Authorities([CA]).vouch_for(shown(leaf, middle), NOW)
    assert not Authorities([CA]).vouch_for(shown(leaf), NOW)
    assert not Authorities([OTHER]).vouch_for(shown(leaf, middle), NOW)
    false_key = Key()
    false = certificate(false_key, NOW, subject="CN=between", authority=True)
    assert not Authorities([CA]).vouch_for(shown(issued(issuer=(false, false_key)), false), NOW)


@pytest.mark.parametrize(
    ("registered", "named"),
    [
        ({"tls_client_auth_subject_dn": "CN=app,O=Example"}, True),
        ({"tls_client_auth_subject_dn": "CN=app, O=Example"}, False),
        ({"tls_client_auth_subject_dn": "CN=app"}, False),
        ({"tls_client_auth_subject_dn": "O=Example,CN=app"}, False),
        ({"tls_client_auth_subject_dn": "CN=app,O=Example2"}, False),
        ({"tls_client_auth_subject_dn": "no name"}, False),
        ({"tls_client_auth_san_dns": "app.example"}, True),
        ({"tls_client_auth_san_dns": "APP.example"}, True),
        ({"tls_client_auth_san_dns": "example"}, False),
        ({"tls_client_auth_san_uri": "https://app.example/id"}, True),
        ({"tls_client_auth_san_uri": "https://app.example/"}, False),
        ({"tls_client_auth_san_ip": "192.0.2.1"}, True),
        ({"tls_client_auth_san_ip": "192.0.2.2"}, False),
        ({"tls_client_auth_san_ip": "x"}, False),
        ({"tls_client_auth_san_email": "app@example.org"}, True),
        ({"tls_client_auth_san_email": "b@example.org"}, False),
        ({}, False),
        ({"tls_client_auth_san_dns": "app.example", "tls_client_auth_san_ip": "192.0.2.1"}, False),
    ],
)
def test_it_bears_the_one_name_that_was_registered(registered: dict[str, str], named: bool) -> None:
    assert names_client(shown(issued(names=NAMES)), ClientMetadata(**registered)) is named


def test_without_other_names_there_is_only_the_subject() -> None:
    assert not names_client(shown(issued()), ClientMetadata(tls_client_auth_san_dns="app.example"))


def test_a_self_signed_one_is_registered_itself_or_by_its_key() -> None:
    found = certificate(KEY, NOW)
    x5c = base64.b64encode(der(found)).decode()
    assert is_registered(shown(found), [KEY.jwk], NOW)
    assert is_registered(shown(found), [{**KEY.jwk, "x5c": [x5c]}], NOW)
    assert not is_registered(shown(certificate(KEY, NOW, days=2)), [{**KEY.jwk, "x5c": [x5c]}], NOW), "another one"
    for jwks in ([], [Key().jwk], [{"kty": "EC"}], [{**KEY.jwk, "x5c": []}], [{**KEY.jwk, "x5c": ["!"]}]):
        assert not is_registered(shown(found), jwks, NOW)
    assert not is_registered(shown(found), [KEY.jwk], NOW + timedelta(days=1)), "over exactly then"
    assert not is_registered(ClientCertificate(b"none"), [KEY.jwk], NOW)


def _changed(found: x509.Certificate, old: str, new: str) -> ClientCertificate:
    """The same certificate with other bytes in one place; nobody has looked at its signature yet."""
    assert bytes.fromhex(old) in der(found)
    return ClientCertificate(der(found).replace(bytes.fromhex(old), bytes.fromhex(new)))


def test_a_certificate_that_is_odd_is_nobodys() -> None:
    # prime256v1 becomes a curve that nobody knows, and the key usage a second list of names
    unknown = _changed(certificate(KEY, NOW), "06082a8648ce3d030107", "06082a8648ce3d03017f")
    twice = _changed(issued(names=NAMES), "0603551d25", "0603551d11")
    assert not is_registered(unknown, [KEY.registered], NOW)
    assert not names_client(twice, ClientMetadata(tls_client_auth_san_dns="app.example"))
    for one in (unknown, twice):
        assert not Authorities([CA]).vouch_for(one, NOW)

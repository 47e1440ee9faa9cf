"""The document of the metadata service: what is believed of it, and everything that must not be."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from config.clock import Clock
from idp.factors.certificate_chain import UntrustedChain, verify_chain
from idp.factors.metadata import SIGNER, DamagedMetadata, Metadata, read
from idp.factors.metadata_file import MetadataFile
from tests.clock import FakeClock
from tests.idp.makers import Authority, Maker, MetadataService, new_key

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
TODAY = NOW.date()
MODEL = "2fc0579f-8113-47ea-b116-bb5a8db9202a"
MAKER = Maker(MODEL)
SERVICE = MetadataService()


def believed(document: bytes, service: MetadataService = SERVICE, now: datetime = NOW) -> Metadata:
    return read(document, roots=[service.root.certificate], expected_signer=SIGNER, now=now)


def reported(*reports: Any) -> Any:
    return believed(SERVICE.document(MAKER.entry(*reports))).models[MODEL]


def test_a_document_is_read() -> None:
    metadata = believed(SERVICE.document(MAKER.entry(("FIDO_CERTIFIED_L2", "2025-03-01")), number=7))
    assert (metadata.number, metadata.next_update) == (7, date(2027, 1, 1))
    model = metadata.models[MODEL]
    assert (model.name, model.roots, model.certified(TODAY)) == ("Moonkey 5", (MAKER.root.der,), 2)
    assert model.refused(TODAY) == ""


def _of_nobody(document: bytes) -> bytes:
    return MetadataService().document()


def _of_somebody_else(document: bytes) -> bytes:
    return MetadataService(root=SERVICE.root, name="shop.example").document()


def _changed(document: bytes) -> bytes:
    header, payload, signature = document.split(b".")
    told = base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)).replace(b'"no": 1', b'"no": 2')
    return b".".join((header, base64.urlsafe_b64encode(told).rstrip(b"="), signature))


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (_of_nobody, "leads to no root"),
        (_of_somebody_else, "somebody else"),
        (_changed, "signature"),
        (lambda document: document[:-10], "signed in a way|signature|header"),
        (lambda document: document.split(b".")[1], "compact"),
        (lambda document: b"!" + document, "header"),
        (lambda _: SERVICE.document(header={"alg": "none"}), "in a way"),
        (lambda _: SERVICE.document(header={"crit": ["b64"]}), "not understood"),
        (lambda _: SERVICE.document(header={"x5c": []}), "certificates"),
        (lambda _: SERVICE.document(next_update="soon"), "content"),
        (lambda _: SERVICE.document(no="many"), "content"),
        (lambda _: b"", "compact"),
    ],
)
def test_anything_else_is_refused(damage: Callable[[bytes], bytes], why: str) -> None:
    with pytest.raises(DamagedMetadata, match=why):
        believed(damage(SERVICE.document(MAKER.entry())))


def test_its_certificates_have_a_time() -> None:
    document = SERVICE.document()
    last = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=3000)
    believed(document, now=last)
    with pytest.raises(DamagedMetadata, match="not valid now"):
        believed(document, now=last + timedelta(seconds=1))


def test_it_is_current_through_the_day_of_its_next_update() -> None:
    metadata = believed(SERVICE.document(next_update="2026-11-22"))
    assert metadata.is_current(datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC))
    assert not metadata.is_current(datetime(2026, 11, 23, tzinfo=UTC))


@pytest.mark.parametrize(
    "status",
    [
        "REVOKED",
        "USER_VERIFICATION_BYPASS",
        "ATTESTATION_KEY_COMPROMISE",
        "USER_KEY_REMOTE_COMPROMISE",
        "USER_KEY_PHYSICAL_COMPROMISE",
    ],
)
def test_a_status_refuses_a_model_from_its_day_on(status: str) -> None:
    tomorrow = (TODAY + timedelta(days=1)).isoformat()
    assert reported((status, TODAY.isoformat())).refused(TODAY) == status
    assert reported((status, tomorrow)).refused(TODAY) == ""
    again = reported((status, "2026-01-01"), ("FIDO_CERTIFIED_L1", "2026-02-01"))
    assert again.refused(TODAY) == status, "of which of its keys the newer certificate is, no attestation says"
    assert reported(("UPDATE_AVAILABLE", "2026-01-01")).refused(TODAY) == ""


def test_the_latest_certification_counts() -> None:
    assert reported(("FIDO_CERTIFIED", "2020-01-01")).certified(TODAY) == 1
    assert reported(("FIDO_CERTIFIED_L3plus", "2024-01-01"), ("FIDO_CERTIFIED_L1", "2023-01-01")).certified(TODAY) == 3
    assert reported(("FIDO_CERTIFIED_L2", "2023-01-01"), ("NOT_FIDO_CERTIFIED", "2024-01-01")).certified(TODAY) == 0
    assert reported(("FIDO_CERTIFIED_L2", "2027-01-01")).certified(TODAY) == 0
    assert reported().certified(TODAY) == 0


def test_a_chain_needs_authorities() -> None:
    root = Authority()
    nobody = Authority("No authority", by=root, authority=False)
    leaf = nobody.issue(new_key(), x509.Name([]))
    with pytest.raises(UntrustedChain, match="no authority"):
        verify_chain([leaf, nobody.certificate], roots=[root.certificate], now=NOW)
    between = Authority("Between", by=root)
    leaf = between.issue(new_key(), x509.Name([]))
    verify_chain([leaf, between.certificate], roots=[root.certificate], now=NOW)
    verify_chain([leaf, between.certificate, root.certificate], roots=[root.certificate], now=NOW)
    verify_chain([leaf], roots=[leaf], now=NOW)
    with pytest.raises(UntrustedChain):
        verify_chain([leaf], roots=[root.certificate], now=NOW)
    with pytest.raises(UntrustedChain):
        verify_chain([leaf, between.certificate], roots=[], now=NOW)
    extension = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"")
    unread = between.issue(new_key(), x509.Name([]), (extension, True))
    with pytest.raises(UntrustedChain, match="critical"):
        verify_chain([unread, between.certificate], roots=[root.certificate], now=NOW)


def watched(folder: Path, clock: Clock) -> MetadataFile:
    roots = folder / "roots.pem"
    roots.write_bytes(SERVICE.root.pem)
    return MetadataFile(folder / "blob.jwt", roots=roots, signer=SIGNER, clock=clock)


def put(folder: Path, document: bytes) -> None:
    """As whoever fetches it does: written beside, and renamed into place."""
    beside = folder / "blob.new"
    beside.write_bytes(document)
    beside.replace(folder / "blob.jwt")


async def test_the_file_is_taken_up_while_running_and_a_damaged_one_is_not(tmp_path: Path, clock: FakeClock) -> None:
    file = watched(tmp_path, clock)
    await file.look()
    assert (file.current, file.refused) == (None, "FileNotFoundError")
    put(tmp_path, SERVICE.document(MAKER.entry(), number=2))
    await file.look()
    assert file.name_of(MODEL) == "Moonkey 5"
    before = file.current
    await file.look()
    assert file.current is before, "what did not change is not read again"
    put(tmp_path, _changed(SERVICE.document()))
    await file.look()
    assert file.current is before
    assert "signature" in file.refused
    put(tmp_path, SERVICE.document(number=1))
    await file.look()
    assert (file.current, file.refused) == (before, "an older one than the one in use")
    put(tmp_path, SERVICE.document(MAKER.entry(("REVOKED", "2026-11-01")), number=3))
    await file.look()
    assert (file.refused, file.refused_model(MODEL)) == ("", "REVOKED")

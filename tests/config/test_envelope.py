"""config.envelope: sealed for one place, by a key that is made once and that nobody else may read."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.envelope import Envelope, EnvelopeError
from config.settings import Settings

ENVELOPE = Envelope({b"12345678": bytes(32)}, b"12345678")


@given(st.binary(max_size=200), st.text(max_size=40))
def test_what_is_sealed_opens_in_its_own_place(plaintext, context):
    sealed = ENVELOPE.seal(plaintext, context)
    assert ENVELOPE.open(sealed, context) == plaintext
    with pytest.raises(EnvelopeError):
        ENVELOPE.open(sealed, context + "x")


@given(st.integers(0, 1000), st.integers(1, 255))
def test_any_changed_byte_is_noticed(place, difference):
    sealed = bytearray(ENVELOPE.seal(b"secret", "here"))
    sealed[place % len(sealed)] ^= difference
    with pytest.raises(EnvelopeError):
        ENVELOPE.open(bytes(sealed), "here")


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x0112345678", b"\x0112345678" + bytes(12)])
def test_what_is_cut_off_is_refused(sealed):
    with pytest.raises(EnvelopeError):
        ENVELOPE.open(sealed, "here")


def test_the_same_secret_never_looks_the_same():
    assert ENVELOPE.seal(b"secret", "here") != ENVELOPE.seal(b"secret", "here")


def test_a_former_master_key_still_opens():
    sealed = ENVELOPE.seal(b"secret", "here")
    rotated = Envelope({b"12345678": bytes(32), b"87654321": b"x" * 32}, b"87654321")
    assert rotated.open(sealed, "here") == b"secret"
    with pytest.raises(EnvelopeError):
        ENVELOPE.open(rotated.seal(b"secret", "here"), "here")


def test_many_at_once_make_one_master_key(tmp_path):
    settings = Settings(var=tmp_path)
    with ThreadPoolExecutor(16) as pool:
        envelopes = list(pool.map(lambda _: Envelope.create(settings), range(32)))
    sealed = envelopes[0].seal(b"secret", "here")
    assert {envelope.open(sealed, "here") for envelope in envelopes} == {b"secret"}
    assert [path.name for path in settings.secrets.iterdir()] == ["master.key"]
    assert (settings.secrets / "master.key").stat().st_mode & 0o777 == 0o600


def test_the_name_of_a_new_master_key_outlives_a_loss_of_power(tmp_path, monkeypatch):
    synced = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(Path(f"/proc/self/fd/{fd}").readlink()), fsync(fd)))
    settings = Settings(var=tmp_path)
    Envelope.create(settings)
    assert settings.secrets in synced


def test_what_cannot_be_used_is_named(tmp_path):
    settings = Settings(var=tmp_path)
    with pytest.raises(EnvelopeError, match=r"master\.key: .* cannot be read"):
        Envelope.load(settings)
    Envelope.create(settings)
    (settings.secrets / "master.key").chmod(0o640)
    with pytest.raises(EnvelopeError, match="open to other users"):
        Envelope.load(settings)
    (settings.secrets / "master.key").chmod(0o600)
    (settings.secrets / "master.key").write_bytes(b"short")
    with pytest.raises(EnvelopeError, match="32 bytes"):
        Envelope.load(settings)


def test_its_repr_shows_no_key():
    assert repr(ENVELOPE) == f"Envelope(active={b'12345678'.hex()}, keys=[secret])"

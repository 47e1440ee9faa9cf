"""Secrets at rest: sealed with AES-256-GCM under a master key that never enters the database.

A sealed value is `0x01 | key id (8) | nonce (12) | ciphertext and tag`. Its context, the place where it belongs, is
bound as additional data (NIST SP 800-38D): a value copied to another row or table does not open there. The key id
stands in front so that a later master key can be added beside the old one.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from config.settings import Settings

MASTER_KEY_FILE = "master.key"
_FORMAT = b"\x01"
_KEY_SIZE = 32
_ID_SIZE = 8
_NONCE_SIZE = 12
_HEAD_SIZE = len(_FORMAT) + _ID_SIZE


class EnvelopeError(Exception):
    """The master key cannot be used, or a sealed value does not open in this context."""


class Envelope:
    """Seals and opens small secrets; one master key seals at most 2^32 values (SP 800-38D section 8.3)."""

    def __init__(self, keys: Mapping[bytes, bytes], active: bytes) -> None:
        """`keys`: master keys by their id; `active`: the id of the one that seals."""
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._active = active

    def __repr__(self) -> str:
        return f"Envelope(active={self._active.hex()}, keys=[secret])"

    @classmethod
    def create(cls, settings: Settings) -> Envelope:
        """Make the master key, unless there is one already, and load it. Of many at once exactly one makes it."""
        path = settings.secrets / MASTER_KEY_FILE
        settings.secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _write_once(path, secrets.token_bytes(_KEY_SIZE))
        return cls.load(settings)

    @classmethod
    def load(cls, settings: Settings) -> Envelope:
        """Read the master key. Raises `EnvelopeError` where it is missing, short, or readable by others."""
        path = settings.secrets / MASTER_KEY_FILE
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                key = file.read(_KEY_SIZE + 1)
        except OSError as error:
            raise EnvelopeError(f"{path}: the master key cannot be read: {error.strerror}") from error
        if stat.S_IMODE(mode) & 0o077:
            raise EnvelopeError(f"{path}: the master key is open to other users; set its mode to 0600")
        if len(key) != _KEY_SIZE:
            raise EnvelopeError(f"{path}: a master key has {_KEY_SIZE} bytes")
        key_id = hashlib.sha256(b"munjigi master key id\x00" + key).digest()[:_ID_SIZE]
        return cls({key_id: key}, key_id)

    def seal(self, plaintext: bytes, context: str) -> bytes:
        """Encrypt `plaintext` for one place, e.g. `jose.signing_key:token:<kid>`."""
        head = _FORMAT + self._active
        nonce = secrets.token_bytes(_NONCE_SIZE)
        return head + nonce + self._ciphers[self._active].encrypt(nonce, plaintext, head + context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """Decrypt what `seal` made for this very context. Raises `EnvelopeError` for anything else."""
        head, nonce = sealed[:_HEAD_SIZE], sealed[_HEAD_SIZE : _HEAD_SIZE + _NONCE_SIZE]
        cipher = self._ciphers.get(head[len(_FORMAT) :])
        if head[: len(_FORMAT)] != _FORMAT or cipher is None:
            raise EnvelopeError("sealed by a master key that is not here")
        try:
            return cipher.decrypt(nonce, sealed[_HEAD_SIZE + _NONCE_SIZE :], head + context.encode())
        except (InvalidTag, ValueError):
            raise EnvelopeError("a sealed value does not open: it was changed, or belongs elsewhere") from None


def _write_once(path: Path, key: bytes) -> None:
    """Put the whole key in place at once: a link fails where the name exists, so no reader ever sees half a key."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return  # another process was first; its key is the one
        _keep(path.parent)
    finally:
        draft.unlink()


def _keep(folder: Path) -> None:
    """Let the names in a folder outlive a loss of power: what is sealed would be lost with the key."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

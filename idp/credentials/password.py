"""Passwords: argon2id (RFC 9106) in a bounded pool of threads, and the rules for a new one (NIST SP 800-63B-4).

Hashes that other systems made (`legacy_hashes`) are compared in the same pool, and replaced once they were right. One
that lies as it came may take longer than argon2id does, so that a wrong password would tell who has one: wrong ones are
answered no sooner than the slowest of them, whosever they are.
"""

from __future__ import annotations

import asyncio
import time
import unicodedata
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from itertools import pairwise
from pathlib import Path
from typing import Literal, Protocol, TypeVar
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from config.connections import Transaction
from config.problem import Problem, ProblemType
from idp.credentials.legacy_hashes.stored import LegacyHash, is_legacy

MEMORY_COST = 64 * 1024
"""KiB; with three passes what RFC 9106, section 4, recommends where memory is bounded, and five times the work of the
least that OWASP's Password Storage Cheat Sheet names. Only so many are held at once as there are threads."""
TIME_COST = 3
LANES = 1
"""The RFC's four would be four threads for each hash, where as many hashes as there are cores run at once."""
_OF_NO_PASSWORD = f"${'A' * 22}${'A' * 43}"
"""Salt and tag, all zeros: what nobody's password has to be compared with, which takes as long as any."""
LONGEST = 1024
"""Bytes of a password that are looked at; a longer one is wrong."""
SHORTEST_ALONE = 15
"""Characters, where the password is the only factor (NIST SP 800-63B-4, section 3.1.1.2)."""
SHORTEST_OF_SEVERAL = 8
"""Characters, where a second factor follows (the same)."""
WAITING_PER_THREAD = 24
"""Computations that may wait for one thread: at 110 ms each, under three seconds."""

LONGEST_PATIENCE = 1.0
"""Seconds that a wrong password is held back at most."""
PATIENCE_KEPT = 3600.0
"""Seconds for which the slowest comparison is remembered."""

OVERLOADED = ProblemType(
    "MJ-IDP-101",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "Very many people are signing in right now",
    "Try again in a few seconds; nothing was changed.",
)

T = TypeVar("T")
PasswordFault = Literal["too_short", "too_long", "made_of_names", "one_character", "repeats", "common"]
OUR_NAMES = ("munjigi", "문지기")
"""Names of the service: whoever guesses tries them first."""
_COMMON = Path(__file__).parent / "common_passwords.txt"
_SHORTEST_NAME = 3


class PasswordStorage(Protocol):
    """What a storage of passwords must do."""

    async def password_hash(self, tx: Transaction, user_id: UUID) -> str | None:
        """The hash of the person's password; `None` where they have none."""

    async def replace_hash(self, tx: Transaction, user_id: UUID, old: str, new: str) -> bool:
        """Put a stronger hash of the same password in place. False where the password has changed since."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of a password."""

    correct: bool
    stronger_hash: str | None = field(default=None, repr=False)
    """A hash by today's scheme and parameters, where the stored one is by others."""


class PasswordPool:
    """argon2id by a few threads: more than the cores would only make each slower. `close()` it at the end."""

    def __init__(
        self,
        threads: int,
        *,
        waiting_per_thread: int = WAITING_PER_THREAD,
        memory_cost: int = MEMORY_COST,
        time_cost: int = TIME_COST,
    ) -> None:
        self._argon2 = PasswordHasher(time_cost=time_cost, memory_cost=memory_cost, parallelism=LANES)
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="argon2id")
        self._limit = threads * (1 + waiting_per_thread)
        self._busy = 0
        work = self._argon2
        self._nobodys = f"$argon2id$v=19$m={work.memory_cost},t={work.time_cost},p={LANES}{_OF_NO_PASSWORD}"
        self._patience = Patience()

    async def hash(self, password: str) -> str:
        """The hash of a new password. Raises `OVERLOADED`."""
        return await self._run(lambda: self._argon2.hash(prepared(password)))

    async def verify(self, password: str, stored: str | None) -> Verification:
        """Compare a password with a stored hash; without one, take as long and say no. Raises `OVERLOADED`."""
        begun = time.monotonic()
        verified = await self._run(lambda: self._verify(password, stored))
        if not verified.correct:
            await self.wait(begun)
        return verified

    async def wait(self, begun: float) -> None:
        """Hold what is told of a wrong password back, until as much time has passed since as the slowest one takes."""
        await asyncio.sleep(max(0.0, begun + self._patience.seconds(time.monotonic()) - time.monotonic()))

    def took(self, seconds: float) -> None:
        """Some way of comparing a password takes so long: no wrong one is to be told from the others by it."""
        self._patience.took(seconds, time.monotonic())

    def close(self) -> None:
        """Let the threads finish what they do, and refuse the rest."""
        self._executor.shutdown(cancel_futures=True)

    def _verify(self, password: str, stored: str | None) -> Verification:
        given = prepared(password[: LONGEST + 1])  # to compose many accents takes long
        sound = len(password) <= LONGEST and len(given) <= LONGEST
        if stored is not None and sound and is_legacy(stored):
            return self._verify_legacy(password, given, stored)
        try:
            self._argon2.verify(stored or self._nobodys, given if sound else b"")
        except (VerificationError, InvalidHashError):
            return Verification(correct=False)
        if stored is None or not sound:
            return Verification(correct=False)
        stale = self._argon2.check_needs_rehash(stored)
        return Verification(correct=True, stronger_hash=self._argon2.hash(given) if stale else None)

    def _verify_legacy(self, password: str, given: bytes, stored: str) -> Verification:
        begun = time.thread_time()
        correct = LegacyHash.read(stored).is_of(password, self._argon2)
        self.took(time.thread_time() - begun)  # of processor time: what waits for a core says nothing of a scheme
        return Verification(correct, stronger_hash=self._argon2.hash(given) if correct else None)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._busy >= self._limit:
            raise Problem(OVERLOADED, private="the pool of argon2id is full", headers={"Retry-After": "3"})
        self._busy += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)
        finally:
            self._busy -= 1


class Patience:
    """How long the slowest comparison of the last hour took."""

    def __init__(self) -> None:
        self._slowest = 0.0
        self._until = 0.0

    def took(self, seconds: float, now: float) -> None:
        """One took so long."""
        if now >= self._until or seconds >= self._slowest:
            self._slowest, self._until = min(seconds, LONGEST_PATIENCE), now + PATIENCE_KEPT

    def seconds(self, now: float) -> float:
        """How long to hold a wrong password back; 0: there was none of another system."""
        return self._slowest if now < self._until else 0.0


def prepared(password: str) -> bytes:
    """A password as it is hashed: composed, so that every keyboard gives the same bytes (RFC 8265, section 4.2)."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def fault_of_new(password: str, *, login_name: str, alone: bool, names: Collection[str] = ()) -> PasswordFault | None:
    """What is wrong with a new password (NIST SP 800-63B-4, section 3.1.1.2).

    Asked for are a length (more of it where the password is the only factor, `alone`) and that it is not among those
    that are tried first: common ones, the names of the service and of the person (`login_name`, `names`) with nothing
    but digits and signs around them, repetitions. It is compared as a whole: a word in a longer sentence is no matter.
    Rules of composition and expiry are not asked for; any character counts, and pasting is no matter.
    """
    composed = unicodedata.normalize("NFC", password)
    if len(composed) < (SHORTEST_ALONE if alone else SHORTEST_OF_SEVERAL):
        return "too_short"
    if len(prepared(password)) > LONGEST:
        return "too_long"
    folded = composed.casefold()
    if _is_made_of(folded, _names(login_name, names)):
        return "made_of_names"
    if len(set(composed)) == 1:
        return "one_character"
    if folded in common_passwords():
        return "common"
    return "repeats" if _repeats(folded) else None


@cache
def common_passwords() -> frozenset[str]:
    """Passwords that many people have, case folded; read at first use."""
    lines = _COMMON.read_text(encoding="utf-8").splitlines()
    return frozenset(line.casefold() for line in lines if not line.startswith("#"))


def _names(login_name: str, names: Collection[str]) -> list[str]:
    given = (login_name, login_name.partition("@")[0], *names, *OUR_NAMES)
    folded = (unicodedata.normalize("NFC", name).casefold().strip() for name in given)
    return [name for name in folded if len(name) >= _SHORTEST_NAME]


def _is_made_of(folded: str, names: Collection[str]) -> bool:
    """Whether nothing is left of it but digits and signs, once these names are taken out: "mina2026!", "MinaMina"."""
    left = folded
    for name in sorted(names, key=len, reverse=True):
        left = left.replace(name, " ")
    return left != folded and not any(character.isalpha() for character in left)


def _repeats(folded: str) -> bool:
    """Whether a part of at most half of it makes the whole ("abcabcabc"), or each character follows from the last."""
    if len({b - a for a, b in pairwise(map(ord, folded))}) == 1:
        return True
    return (folded + folded).find(folded, 1) < len(folded)

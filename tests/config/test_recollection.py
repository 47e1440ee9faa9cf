"""What a node believes: until it hears of a change, or for a minute; never what is older than a change."""

from __future__ import annotations

import asyncio

import pytest

from config import recollection
from config.recollection import LONGEST, UNVOUCHED, Recollection
from tests.clock import FakeClock


class Store:
    def __init__(self) -> None:
        self.value: str | None = "a"
        self.reads = 0

    async def read(self) -> str | None:
        self.reads += 1
        return self.value


@pytest.fixture
def store() -> Store:
    return Store()


async def test_it_is_read_once_a_minute(store: Store, clock: FakeClock) -> None:
    known: Recollection[str, str | None] = Recollection(clock)
    for _ in range(3):
        assert await known.of("k", store.read) == "a"
    clock.advance(LONGEST)
    store.value = "b"
    assert await known.of("k", store.read) == "b"
    assert store.reads == 2


class Held:
    """A lease that somebody else keeps."""

    held = True

    def overdue(self, monotonic: float) -> float | None:
        return None if self.held else 0.0


async def test_without_a_lease_nothing_is_believed_that_is_not_of_now(store: Store, clock: FakeClock) -> None:
    lease = Held()
    known: Recollection[str, str | None] = Recollection(clock, lease=lease)
    await known.of("k", store.read)
    clock.advance(LONGEST - 0.1)
    assert (await known.of("k", store.read), store.reads) == ("a", 1)
    lease.held = False
    store.value = "b"  # and the event is lost
    assert (await known.of("k", store.read), store.reads) == ("b", 2)
    clock.advance(UNVOUCHED - 0.1)
    assert (await known.of("k", store.read), store.reads) == ("b", 2)
    clock.advance(0.1)
    await known.of("k", store.read)
    assert store.reads == 3
    lease.held = True
    clock.advance(LONGEST)
    await known.of("k", store.read)
    assert store.reads == 4


async def test_what_changed_is_read_anew(store: Store, clock: FakeClock) -> None:
    known: Recollection[str, str | None] = Recollection(clock)
    await known.of("k", store.read)
    await known.of("other", store.read)
    known.forget("k")
    await known.of("k", store.read)
    await known.of("other", store.read)
    assert store.reads == 3
    known.forget_all()
    await known.of("other", store.read)
    assert store.reads == 4


async def test_what_was_read_before_a_change_is_not_kept(store: Store, clock: FakeClock) -> None:
    known: Recollection[str, str | None] = Recollection(clock)
    reading, changed = asyncio.Event(), asyncio.Event()

    async def slow() -> str | None:
        found = await store.read()
        reading.set()
        await changed.wait()
        return found

    asked = asyncio.create_task(known.of("k", slow))
    await reading.wait()
    store.value = "b"
    known.forget("k")
    changed.set()
    assert await asked == "a"
    assert await known.of("k", store.read) == "b"


@pytest.mark.parametrize(("keeps_none", "reads"), [(True, 1), (False, 3)])
async def test_what_is_not_there(store: Store, clock: FakeClock, keeps_none: bool, reads: int) -> None:
    known: Recollection[str, str | None] = Recollection(clock, keeps_none=keeps_none)
    store.value = None
    for _ in range(3):
        assert await known.of("k", store.read) is None
    assert store.reads == reads


async def test_it_is_bounded(store: Store, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recollection, "MOST", 2)
    known: Recollection[str, str | None] = Recollection(clock)
    for key in ("a", "b", "c"):
        await known.of(key, store.read)
    await known.of("c", store.read)
    assert store.reads == 3
    await known.of("a", store.read)
    assert store.reads == 4

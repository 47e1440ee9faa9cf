"""Versions as gateways take them up: compiled, read in parts, of one format, on the real engine by the real roles."""

from __future__ import annotations

from mmap import mmap

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from config.settings import Settings
from policy import compiled_versions, demo, signature, snapshot, versions
from policy.compiled_versions import take_up
from policy.decide import decide
from policy.decision import Effect
from policy.live import LivePolicy
from policy.signature import UntrustedArtefact
from policy.snapshot import FORMAT
from tests.clock import FakeClock
from tests.policy.samples import request
from tests.policy.test_versions import AT, STORED, Databases, live, published, ring, with_rule

OLDER, NEWER = FORMAT, FORMAT + 1


def use_format(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    for module in (snapshot.layout, compiled_versions, versions):
        monkeypatch.setattr(module, "FORMAT", number)


async def compile_published(database: Databases, settings: Settings) -> int | None:
    keys = await ring(database, settings)
    async with database("policy").begin() as tx:
        return await versions.compile_published(STORED, tx, keys, AT)


async def formats(database: Databases) -> list[tuple[int, int]]:
    async with database("owner").begin() as tx:
        rows = await tx.execute(text("SELECT number, format FROM policy.compiled ORDER BY number, format"))
        return [(row.number, row.format) for row in rows]


async def test_a_version_is_read_in_parts(
    settings: Settings, database: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    (only,) = await published(database, settings, with_rule("one"))
    keys = await ring(database, settings)
    monkeypatch.setattr(compiled_versions, "PART", 100)
    async with database("gateway").connect() as tx:
        taken = await take_up(STORED, tx, keys.public, now=AT.timestamp())
        assert taken is not None
        assert (taken.version, taken.size % 100 > 0) == (only, True)
        assert decide(request("POST", "/extra"), taken).winner == "one"
        assert await take_up(STORED, tx, keys.public, now=AT.timestamp(), newer_than=only) is None


async def test_the_former_version_can_be_read_to_its_end_and_older_ones_are_forgotten(
    settings: Settings, database: Databases
) -> None:
    first, second, third = await published(database, settings, *(with_rule(name) for name in ("one", "two", "three")))
    assert await formats(database) == [(second, FORMAT), (third, FORMAT)]
    keys = await ring(database, settings)
    async with database("policy").begin() as tx:
        restored = await versions.roll_back(STORED, tx, first, keys.active, versions.Act("u", "why", AT, "c-1"))
    assert await formats(database) == [(third, FORMAT), (restored.number, FORMAT)]


async def test_a_version_that_is_taken_away_while_it_is_read_is_refused(
    settings: Settings, database: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    await published(database, settings, with_rule("one"))
    keys = await ring(database, settings)
    monkeypatch.setattr(compiled_versions, "PART", 100)
    read, parts = STORED.compiled_part, 0

    async def part(*given: object) -> bytes | None:
        nonlocal parts
        parts += 1
        if parts == 2:
            async with database("owner").begin() as other:
                await other.execute(text("DELETE FROM policy.compiled"))
        return await read(*given)  # type: ignore[arg-type] # handed on as they came

    monkeypatch.setattr(STORED, "compiled_part", part)
    async with database("gateway").connect() as tx:
        with pytest.raises(UntrustedArtefact, match="went away"):
            await take_up(STORED, tx, keys.public, now=AT.timestamp())


async def test_a_gateway_of_other_code_keeps_the_last_good_one_and_says_why(
    settings: Settings,
    database: Databases,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    gateway = live(database, settings, clock)
    (first,) = await published(database, settings, with_rule("one"))
    assert await gateway.refresh()
    use_format(monkeypatch, NEWER)
    (second,) = await published(database, settings, with_rule("two"))
    use_format(monkeypatch, OLDER)
    assert not await gateway.refresh()
    assert gateway.snapshot.version == first
    assert decide(request("POST", "/extra"), gateway.snapshot).winner == "one"
    assert f"version {second} is compiled to format {NEWER}; this code reads {OLDER}" in capsys.readouterr().out


async def test_a_version_that_is_replaced_is_given_back(
    settings: Settings, database: Databases, clock: FakeClock
) -> None:
    gateway = live(database, settings, clock)
    await published(database, settings, with_rule("one"))
    assert await gateway.refresh()
    former = gateway.snapshot.compiled
    await published(database, settings, with_rule("two"))
    assert await gateway.refresh()
    assert isinstance(former, mmap)
    assert former.closed


async def test_a_newer_service_compiles_anew_what_an_older_one_published_and_both_find_theirs(
    settings: Settings, database: Databases, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    (number,) = await published(database, settings, with_rule("one"))
    assert await compile_published(database, settings) is None, "it is compiled to this format already"
    use_format(monkeypatch, NEWER)
    newer = live(database, settings, clock)
    assert not await newer.refresh()
    assert await compile_published(database, settings) == number
    assert await formats(database) == [(number, OLDER), (number, NEWER)]
    assert await newer.refresh()
    use_format(monkeypatch, OLDER)
    older = live(database, settings, clock)
    assert await older.refresh()
    for gateway in (older, newer):
        assert decide(request("POST", "/extra"), gateway.snapshot).winner == "one"
    async with database("owner").begin() as tx:
        told = [row.payload for row in await tx.execute(text("SELECT payload FROM events.outbox ORDER BY id"))]
    assert told == [{"version": number}] * 2, "gateways that wait for it are told"


async def test_a_version_from_before_there_were_compiled_ones_is_compiled_at_the_start(
    settings: Settings, database: Databases, clock: FakeClock
) -> None:
    await demo.load(settings, clock)
    keys = await ring(database, settings)
    async with database("policy").begin() as tx:
        found = await STORED.current(tx)
        assert found is not None
        await STORED.sign_anew(
            tx, found.number, signature.sign(keys.active, found.number, found.sha256, AT.timestamp())
        )
        await STORED.forget_compiled(tx, before=found.number + 1)
    gateway = live(database, settings, clock)
    assert not await gateway.refresh()
    assert await compile_published(database, settings) == found.number
    assert await gateway.refresh()


async def test_what_is_not_what_was_signed_is_not_compiled(settings: Settings, database: Databases) -> None:
    await published(database, settings, with_rule("one"))
    async with database("owner").begin() as tx:
        await tx.execute(text("DELETE FROM policy.compiled"))
        await tx.execute(
            text(
                "UPDATE policy.version SET artefact = artefact || ' '::bytea,"
                " sha256 = encode(sha256(artefact || ' '::bytea), 'hex')"
            )
        )
    with pytest.raises(UntrustedArtefact, match="not what was signed"):
        await compile_published(database, settings)
    assert await formats(database) == []


async def test_a_gateway_that_starts_without_a_policy_denies_until_one_can_be_used(
    settings: Settings, database: Databases, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_format(monkeypatch, NEWER)
    await published(database, settings, with_rule("one"))
    use_format(monkeypatch, OLDER)
    gateway: LivePolicy = live(database, settings, clock)
    assert not await gateway.refresh()
    assert decide(request("GET", "/products"), gateway.snapshot).effect is Effect.DENY


async def test_compiled_versions_are_written_by_the_policy_service_alone_and_never_changed(
    settings: Settings, database: Databases
) -> None:
    await published(database, settings, with_rule("one"))
    for role, statement in (
        ("policy", "UPDATE policy.compiled SET bytes = 'x'"),
        ("gateway", "DELETE FROM policy.compiled"),
        ("gateway", "INSERT INTO policy.compiled VALUES (1, 99, 'x')"),
    ):
        with pytest.raises(ProgrammingError, match="permission denied"):
            async with database(role).begin() as tx:  # type: ignore[arg-type] # one of the roles
                await tx.execute(text(statement))

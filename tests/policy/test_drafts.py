"""What the database itself holds of drafts and of what they became, by the real roles."""

from __future__ import annotations

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from config.settings import Settings
from policy import artefact, drafts, versions
from policy.versions import NoSuchVersion
from tests.policy.test_versions import ACT, STORED, Databases, published, with_rule

OTHER = msgspec.structs.replace(ACT, who="u-other")


async def test_only_drafts_change_whatever_the_service_asks_for(settings: Settings, database: Databases) -> None:
    await published(database, settings, with_rule("one"), with_rule("two"))
    async with database("policy").begin() as tx:
        made, _ = await versions.draft(STORED, tx, with_rule("three"), ACT)
        await STORED.withdraw(tx, made.number)
    other = artefact.encode(with_rule("four"))
    rewrite = "UPDATE policy.version SET artefact = :other, sha256 = encode(sha256(:other), 'hex') WHERE state = '{}'"
    for statement in (
        *(rewrite.format(state) for state in ("published", "retired", "withdrawn")),
        *(f"UPDATE policy.version SET state = 'draft' WHERE state = '{state}'" for state in ("published", "retired")),
        "UPDATE policy.version SET state = 'published' WHERE state = 'retired'",
        "UPDATE policy.version SET state = 'retired' WHERE state = 'withdrawn'",
    ):
        with pytest.raises(ProgrammingError, match="permission denied"):
            async with database("policy").begin() as tx:
                await tx.execute(text(statement), {"other": other} if ":other" in statement else {})


async def test_a_draft_says_what_its_digest_says(database: Databases) -> None:
    async with database("policy").begin() as tx:
        made, _ = await versions.draft(STORED, tx, with_rule("one"), ACT)
        held = await drafts.to_change(STORED, tx, made.number, lambda version: None)
        edited, _ = await drafts.edit(STORED, tx, held, with_rule("two"), OTHER)
    assert edited.sha256 == artefact.digest(artefact.encode(with_rule("two"))) != made.sha256
    assert (edited.number, edited.author, edited.why) == (made.number, made.author, made.why)


async def test_history_and_shadows_only_grow(database: Databases) -> None:
    async with database("policy").begin() as tx:
        await versions.draft(STORED, tx, with_rule("one"), ACT)
    for statement in (
        "UPDATE policy.history SET who = 'x'",
        "DELETE FROM policy.history",
        "DELETE FROM policy.shadow",
        "UPDATE policy.shadow SET until = now()",
        "UPDATE policy.approval SET who = 'x'",
        "INSERT INTO policy.shadow_count VALUES (1, 'allow', 'deny', 'shop', '', false, 1, '')",
    ):
        with pytest.raises(ProgrammingError, match="permission denied"):
            async with database("policy").begin() as tx:
                await tx.execute(text(statement))


async def test_whoever_edits_is_an_author_and_approves_nothing(database: Databases) -> None:
    async with database("policy").begin() as tx:
        made, _ = await versions.draft(STORED, tx, with_rule("one"), ACT)
        held = await drafts.to_change(STORED, tx, made.number, lambda version: None)
        edited, _ = await drafts.edit(STORED, tx, held, with_rule("two"), OTHER)
        for act in (ACT, OTHER):
            with pytest.raises(drafts.OwnDraft):
                await drafts.approve(STORED, tx, edited, act)
        assert await STORED.approvals(tx, made.number) == []


async def test_an_edit_that_changes_nothing_is_none(database: Databases) -> None:
    async with database("policy").begin() as tx:
        made, _ = await versions.draft(STORED, tx, with_rule("one"), ACT)
        await drafts.approve(STORED, tx, made, OTHER)
        held = await drafts.to_change(STORED, tx, made.number, lambda version: None)
        same, _ = await drafts.edit(STORED, tx, held, with_rule("one"), OTHER)
        assert (same.sha256, len(await STORED.approvals(tx, made.number))) == (made.sha256, 1)
        assert [entry.act for entry in await STORED.entries(tx, before=2**53, limit=9)] == ["approved", "drafted"]


async def test_what_is_withdrawn_is_not_changed(database: Databases) -> None:
    async with database("policy").begin() as tx:
        made, _ = await versions.draft(STORED, tx, with_rule("one"), ACT)
        await drafts.withdraw(STORED, tx, made, ACT)
        with pytest.raises(NoSuchVersion):
            await drafts.to_change(STORED, tx, made.number, lambda version: None)

"""Programs at the admin API: what their token is for, and nothing else; people need no scopes."""

from __future__ import annotations

import msgspec
import pytest
from sqlalchemy import text

from config.openapi import Operation
from jose.assertion import Subject
from policy.admin.admission import is_program
from policy.admin.messages import VersionList
from policy.admin.scopes import APPROVE, PUBLISH, READ, SCOPES, WRITE, scope_of
from tests.policy.test_admin import ADMIN, GOOD_RULES, Caller, Databases, call, drafted

__all__ = ["call"]

PIPELINE = Subject(sid="p" * 22, sub="pipeline", roles=("client:pipeline",))


def holding(*scope: str) -> Subject:
    return msgspec.structs.replace(PIPELINE, scope=scope)


async def test_a_program_does_what_its_token_is_for(call: Caller) -> None:
    body = {"why": "a test", "rules": GOOD_RULES}
    assert (await call("GET", "/current", who=holding(READ))).status_code == 200
    made = await call("POST", "/drafts", body, who=holding(WRITE))
    assert (made.status_code, made.json()["version"]["author"]) == (201, "pipeline")
    number = made.json()["version"]["number"]
    published = await call("POST", f"/versions/{number}/publish", {"why": "a test"}, who=holding(READ, PUBLISH))
    assert published.json()["publisher"] == "pipeline"


@pytest.mark.parametrize(
    ("method", "path", "body", "needed"),
    [
        ("GET", "/current", None, READ),
        ("GET", "/openapi.json", None, READ),
        ("POST", "/explain", {}, READ),
        ("POST", "/drafts", {"why": "a test", "rules": GOOD_RULES}, WRITE),
        ("POST", "/versions/2/publish", {"why": "a test"}, PUBLISH),
        ("POST", "/rollback", {"to": 1, "why": "a test"}, PUBLISH),
    ],
)
async def test_with_every_other_scope_it_is_refused_told_which_and_recorded(
    call: Caller, database: Databases, method: str, path: str, body: object, needed: str
) -> None:
    await drafted(call)
    refused = await call(method, path, body, who=holding(*(scope for scope in SCOPES if scope != needed)))
    assert (refused.status_code, refused.json()["code"]) == (403, "MJ-POLICY-033")
    assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]
    assert f'scope="{needed}"' in refused.headers["www-authenticate"]
    async with database("owner").connect() as tx:
        record = (await tx.execute(text("SELECT kind, actor FROM audit.record ORDER BY id DESC LIMIT 1"))).one()
        states = list(await tx.scalars(text("SELECT state FROM policy.version ORDER BY number")))
    assert tuple(record) == ("administration_refused", "pipeline")
    assert states == ["published", "draft"]


async def test_a_person_gains_nothing_by_a_scope(call: Caller) -> None:
    customer = Subject(sid="c" * 22, sub="u-1", roles=("customer",), scope=tuple(SCOPES))
    assert (await call("GET", "/current", who=customer)).json()["code"] == "MJ-POLICY-001"
    stale = msgspec.structs.replace(ADMIN, acr="urn:munjigi:acr:1", scope=tuple(SCOPES))
    assert (await call("POST", "/rollback", {"to": 1, "why": "a test"}, who=stale)).json()["code"] == "MJ-POLICY-012"


@pytest.mark.parametrize(
    "who",
    [
        Subject(),
        Subject(sub="pipeline"),
        Subject(sub="pipeline", roles=("client:other",)),
        Subject(sub="pipeline", roles=("client:pipeline", "administrator")),
        Subject(roles=("client:",)),
    ],
)
def test_who_is_no_program(who: Subject) -> None:
    assert not is_program(who)
    assert is_program(PIPELINE)


def test_what_is_not_named_takes_the_strongest_scope() -> None:
    def of(path: str, *, changing: bool = True) -> str:
        return scope_of(Operation("POST", path, "", VersionList), changing=changing)

    assert of("/something/new") == PUBLISH
    assert of("/something/new", changing=False) == READ
    assert of("/versions/{number}/approval") == APPROVE

"""The admin API over real engines, spoken to as the gateway speaks to it."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx2
import msgspec
import pytest
from sqlalchemy import text

from config.clock import SystemClock
from config.connections import Database, Valkey
from config.envelope import Envelope
from config.sections.engines import Role
from config.settings import Settings
from jose.assertion import AssertionSigner, Subject
from jose.entrance import Entrance
from jose.keys import KeyRing, SigningKey
from jose.storage.keys import SigningKeys
from policy import demo
from policy.admin.app import application, serve

Databases = Callable[[Role], Database]
OPERATOR = UUID("00000000-0000-4000-8000-0000000000aa")
LOADED = SystemClock().timestamp()
"""The moment that times of authentication below are reckoned from; `Caller` reckons from now."""
ADMIN = Subject(
    sid="s" * 22,
    sub="u-admin",
    org=str(OPERATOR),
    roles=("administrator",),
    acr="urn:munjigi:acr:2",
    auth_time=LOADED,
)
ELSEWHERE = msgspec.structs.replace(ADMIN, sub="u-elsewhere", org="00000000-0000-4000-8000-0000000000bb")
CUSTOMER = Subject(sid="c" * 22, sub="u-customer", org="org-1", roles=("customer",))
GOOD_RULES = """
p, 10, everyone.reads, customer, *, shop, /**, GET, "country in [""KR"", ""JP""]", allow,
p, 15, everyone.looks, customer, *, reservation, /**, GET, , allow,
p, 20, admin, administrator, *, admin, /api/policy/**, *, , allow,
g, administrator, customer, *
"""


@dataclass
class Caller:
    """Speaks to the API with an assertion for one person."""

    client: httpx2.AsyncClient
    signer: AssertionSigner

    async def __call__(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        who: Subject | None = ADMIN,
        upstream: str = "policy",
        match: str | None = None,
    ) -> httpx2.Response:
        headers = {} if who is None else {"Munjigi-Assertion": self.assertion(who, upstream)}
        headers |= {} if match is None else {"If-Match": match}
        return await self.client.request(
            method, f"/api/policy{path}", headers=headers, **({} if body is None else {"json": body})
        )

    def assertion(self, who: Subject, upstream: str = "policy") -> str:
        """What the gateway would say of somebody now."""
        now = SystemClock().timestamp()
        shifted = msgspec.structs.replace(who, auth_time=who.auth_time + now - LOADED) if who.auth_time else who
        return self.signer.sign(upstream, shifted, zone="admin", now=now)


@pytest.fixture
async def call(settings: Settings, database: Databases, valkey: Valkey) -> AsyncIterator[Caller]:
    await demo.load(settings)
    keys, clock = SigningKeys(Envelope.load(settings)), SystemClock()
    async with database("gateway").begin() as tx:
        ring = await keys.ensure_active(tx, "assertion", datetime.now(UTC))
    entrance = await Entrance.open("policy", database("policy"), keys.assertion_keys, clock)
    transport = httpx2.ASGITransport(entrance.around(application(database("policy"), valkey, keys, clock, OPERATOR)))
    async with httpx2.AsyncClient(transport=transport, base_url="http://console.localhost:8080") as client:
        yield Caller(client, AssertionSigner(ring))


async def drafted(call: Caller, rules: str = GOOD_RULES) -> int:
    answer = await call("POST", "/drafts", {"why": "a test", "rules": rules})
    assert answer.status_code == 201, answer.text
    number: int = answer.json()["version"]["number"]
    assert answer.headers["location"] == f"/api/policy/versions/{number}"
    return number


async def test_a_draft_is_published_and_rolled_back(call: Caller) -> None:
    number = await drafted(call)
    published = await call("POST", f"/versions/{number}/publish", {"why": "a test"})
    assert (published.status_code, published.json()["state"]) == (200, "published")
    current = (await call("GET", "/current")).json()
    assert current["version"]["number"] == number
    assert 'country in [""KR"", ""JP""]' in current["rules"]
    back = await call("POST", "/rollback", {"to": 1, "why": "it was better"})
    assert (back.json()["number"], back.json()["restores"]) == (number + 1, 1)
    states = [version["state"] for version in (await call("GET", "/versions")).json()["versions"]]
    assert states == ["published", "retired", "retired"]


async def test_what_is_shown_can_be_sent_again(call: Caller) -> None:
    shown = (await call("GET", "/current")).json()
    number = await drafted(call, shown["rules"])
    again = (await call("GET", f"/versions/{number}")).json()
    assert again["version"]["sha256"] == shown["version"]["sha256"]


async def test_a_faulty_draft_names_every_line_and_stores_nothing(call: Caller) -> None:
    rules = "\n".join(
        [
            "p, 10, a, customer, *, shop, /**, GET, colour == 1, allow,",
            "p, ten, b, customer, *, shop, /**, GET, , allow,",
            'p, 10, c, customer, *, shop, /**, GET, "unclosed, allow,',
            "q, 1",
            "p, 10, a2, customer, *, shop, no-slash, GET, , allow,",
        ]
    )
    refused = await call("POST", "/drafts", {"why": "a test", "rules": rules})
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["code"] == "MJ-POLICY-004"
    assert [error["line"] for error in refused.json()["errors"]] == [1, 2, 3, 4, 5]
    assert len((await call("GET", "/versions")).json()["versions"]) == 1


async def test_faults_that_need_the_whole_policy_bear_their_line_too(call: Caller) -> None:
    rules = "\np, 10, a, customer, *, nowhere, /**, GET, , allow,\np, 1, b, stranger, *, shop, /**, GET, , allow,"
    refused = (await call("POST", "/drafts", {"why": "a test", "rules": rules})).json()
    assert [(error["line"], error["fault"]) for error in refused["errors"]] == [
        (2, "unknown_zone"),
        (3, "unknown_role"),
    ]


async def test_the_last_administrator_cannot_be_locked_out(call: Caller) -> None:
    rules = "p, 10, a, customer, *, shop, /**, GET, , allow,"
    refused = await call("POST", "/drafts", {"why": "a test", "rules": rules})
    assert [error["fault"] for error in refused.json()["errors"]] == ["administrator_locked_out"]


async def test_only_administrators_come_in_and_refusals_are_recorded(call: Caller, database: Databases) -> None:
    refused = await call("GET", "/versions", who=CUSTOMER)
    assert (refused.status_code, refused.json()["code"]) == (403, "MJ-POLICY-001")
    async with database("owner").begin() as tx:
        recorded = (await tx.execute(text("SELECT kind, actor FROM audit.record ORDER BY id DESC LIMIT 1"))).one()
    assert tuple(recorded) == ("administration_refused", "u-customer")


CHANGES: tuple[tuple[str, dict[str, object]], ...] = (
    ("/drafts", {"why": "a test", "rules": GOOD_RULES}),
    ("/versions/2/publish", {"why": "a test"}),
    ("/rollback", {"to": 1, "why": "a test"}),
)


@pytest.mark.parametrize(("path", "body"), CHANGES, ids=[path for path, _ in CHANGES])
async def test_only_the_operating_organisation_changes_what_is_everybodys(
    call: Caller, database: Databases, path: str, body: dict[str, object]
) -> None:
    await drafted(call)
    refused = await call("POST", path, body, who=ELSEWHERE)
    assert (refused.status_code, refused.json()["code"]) == (403, "MJ-POLICY-011")
    assert "policy.operator" in refused.json()["detail"]
    async with database("owner").begin() as tx:
        recorded = (await tx.execute(text("SELECT kind, actor FROM audit.record ORDER BY id DESC LIMIT 1"))).one()
    assert tuple(recorded) == ("administration_refused", "u-elsewhere")
    assert [one["state"] for one in (await call("GET", "/versions")).json()["versions"]] == ["draft", "published"]


async def test_whoever_administers_another_organisation_may_look_and_ask(call: Caller) -> None:
    assert (await call("GET", "/current", who=ELSEWHERE)).status_code == 200
    assert (await call("POST", "/explain", {"request": asked()}, who=ELSEWHERE)).status_code == 200


@pytest.mark.parametrize("stale", [{"acr": "urn:munjigi:acr:1"}, {"auth_time": LOADED - 961}])
async def test_a_change_needs_two_factors_lately_whatever_the_policy_says(call: Caller, stale: dict[str, Any]) -> None:
    for path, body in CHANGES:
        refused = await call("POST", path, body, who=msgspec.structs.replace(ADMIN, **stale))
        assert (refused.status_code, refused.json()["code"]) == (401, "MJ-POLICY-012")
        assert 'error="insufficient_user_authentication"' in refused.headers["www-authenticate"]
        assert 'acr_values="urn:munjigi:acr:2", max_age="900"' in refused.headers["www-authenticate"]
    assert (await call("GET", "/current", who=msgspec.structs.replace(ADMIN, **stale))).status_code == 200


def test_the_operator_is_the_demos_first_organisation_where_nobody_says() -> None:
    shipped = tomllib.loads((demo.SHIPPED.parent / "demo.toml").read_text(encoding="utf-8"))
    assert str(Settings().policy.operator) == shipped["organisation"][0]["id"]


async def test_without_a_sound_assertion_nothing_answers(call: Caller) -> None:
    assert (await call("GET", "/versions", who=None)).status_code == 401
    assert (await call("GET", "/versions", upstream="commerce")).status_code == 401
    call.signer.replace(KeyRing.of(SigningKey.generate()))
    assert (await call("GET", "/versions")).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/versions/999", None, 404),
        ("GET", "/versions/99999999999999999999", None, 404),
        ("GET", "/versions?limit=0", None, 422),
        ("GET", "/nothing", None, 404),
        ("PUT", "/current", {}, 405),
        ("POST", "/versions/1/publish", {"why": "published already"}, 404),
        ("POST", "/rollback", {"to": 1, "why": "it is published"}, 404),
        ("POST", "/rollback", {"to": 1}, 422),
        ("POST", "/drafts", {"why": "a test", "rules": "", "more": 1}, 422),
    ],
)
async def test_what_cannot_be_done_is_a_problem_with_a_code(
    call: Caller, method: str, path: str, body: Any, status: int
) -> None:
    answer = await call(method, path, body)
    assert answer.status_code == status
    assert answer.json()["code"].startswith("MJ-POLICY-")
    assert answer.json()["correlation_id"] == answer.headers["munjigi-correlation-id"]


async def test_a_form_of_a_foreign_page_is_not_understood(call: Caller) -> None:
    token = call.assertion(ADMIN)
    answer = await call.client.post(
        "/api/policy/rollback",
        content=b'{"to": 1, "why": "a foreign page"}',
        headers={"Munjigi-Assertion": token, "Content-Type": "text/plain"},
    )
    assert answer.status_code == 415


async def test_an_overtaken_draft_is_a_conflict(call: Caller) -> None:
    early, late = await drafted(call), await drafted(call)
    assert (await call("POST", f"/versions/{late}/publish", {"why": "first"})).status_code == 200
    refused = await call("POST", f"/versions/{early}/publish", {"why": "second"})
    assert (refused.status_code, refused.json()["code"]) == (409, "MJ-POLICY-003")


def asked(**changes: object) -> dict[str, object]:
    subject = {"id": "u-1", "organisation": "org-1", "roles": ["customer"], "assurance": 1, "authenticated_at": 1e9}
    return {
        "subject": {**subject, **changes},
        "facts": {"device_trust": 2, "network": "loopback"},
        "zone": "reservation",
        "method": "POST",
        "path": "/reservations/7/cancel",
        "at": 1e9 + 60,
    }


async def test_explain_says_why_not_and_what_would_change_it(call: Caller) -> None:
    told = (await call("POST", "/explain", {"request": asked()})).json()
    assert told["decision"]["effect"] == "step_up"
    assert told["would_allow"]["assurance"] == 2
    parts = {rule["rule"]: rule["part"] for rule in told["rules"]}
    assert parts["reservation.cancel"] == "condition_not_met"
    told = (await call("POST", "/explain", {"request": asked(assurance=2)})).json()
    assert (told["decision"]["effect"], told["decision"]["winner"]) == ("allow", "reservation.cancel")


async def test_explain_by_a_draft_and_for_somebody_without_the_role(call: Caller) -> None:
    number = await drafted(call)
    told = (await call("POST", "/explain", {"request": asked(), "version": number})).json()
    assert (told["decision"]["version"], told["decision"]["reasons"]) == (number, ["no_rule"])
    told = (await call("POST", "/explain", {"request": asked(roles=["vendor-of-nothing"])})).json()
    assert {rule["part"] for rule in told["rules"] if rule["role"] == "customer"} == {"another_role"}


async def test_the_openapi_document_names_every_operation(call: Caller) -> None:
    document = (await call("GET", "/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) >= {"/api/policy/drafts", "/api/policy/versions/{number}/publish"}
    for operations in document["paths"].values():
        for operation in operations.values():
            for schema in _references(operation):
                assert schema.rpartition("/")[2] in document["components"]["schemas"]


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if "$ref" in node else []
        return own + [found for value in node.values() for found in _references(value)]
    return [found for value in node for found in _references(value)] if isinstance(node, list) else []


async def test_the_model_names_what_conditions_may_speak_of(call: Caller) -> None:
    model = (await call("GET", "/model")).json()
    assert "[matchers]" in model["casbin"]
    assert {"device", "risk", "hour"} <= set(model["names"])


async def test_the_process_listens_on_its_socket_and_drains(settings: Settings) -> None:
    stop, ready = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(serve(settings, ready.set, stop))
    await asyncio.wait_for(ready.wait(), 10)
    transport = httpx2.AsyncHTTPTransport(uds=str(settings.upstream_socket("policy")))
    async with httpx2.AsyncClient(transport=transport, base_url="http://policy") as client:
        assert (await client.get("/api/policy/versions")).status_code == 401
    stop.set()
    await asyncio.wait_for(serving, 10)

"""A pipeline releases a policy over a real gateway: by the commands, and by the client behind them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from config.settings import Settings
from policy import files
from policy.admin.messages import DraftRequest
from policy.amend import PutAssignment
from policy.artefact import Assignment, Rule, RuleEffect
from policy.client import ApiProblem, PolicyClient
from policy.client.exchange import Tokens
from tests.policy.pipeline import Pipeline, pipeline

NIGHT = "p, 205, night.orders, customer, *, shop, /orders, POST, hour < 6 and device < registered, deny,\n"


@pytest.fixture
async def at(settings: Settings, tmp_path: Path) -> AsyncIterator[Pipeline]:
    async with pipeline(settings, tmp_path) as running:
        yield running


async def test_a_policy_is_released_by_commands(at: Pipeline) -> None:
    exported = await at.told("munjigi policy export policy")
    rules = at.folder / "policy" / files.RULES
    before = exported["version"]
    assert (await at.run("munjigi policy diff policy --exit-code")).exit_code == 0, "it is what is published"
    rules.write_text(rules.read_text() + NIGHT)
    assert (await at.told("munjigi policy lint policy")) == {"findings": []}
    assert (await at.run("munjigi policy test policy")).exit_code == 0
    changed = await at.run("munjigi policy diff policy --exit-code")
    assert (changed.exit_code, changed.stdout[:24]) == (1, "+ p,205,night.orders,cus")
    made = await at.told("munjigi policy import policy --why 'fewer orders at night'")
    number, sha256 = made["version"]["number"], made["version"]["sha256"]
    assert (await at.told(f"munjigi policy diff {number}"))["rules"][0]["id"] == "night.orders"
    wrong = await at.run(f"munjigi policy publish {number} --why 'a test' --sha256 {'0' * 64}")
    assert (wrong.exit_code, "was changed" in wrong.stderr) == (75, True)
    approved = await at.told(f"munjigi policy approve {number} --why 'I read it'", client_id="reviewer")
    assert [one["who"] for one in approved["approvals"]] == ["reviewer"]
    own = await at.run(f"munjigi policy approve {number} --why 'my own' --json")
    assert (own.exit_code, json.loads(own.stderr)["error"]["code"]) == (77, "MJ-POLICY-042")
    published = await at.run(f"munjigi policy publish {number} --why 'agreed' --sha256 {sha256} --wait 20")
    assert published.exit_code == 0, published.stderr
    assert "1 gateways decide by it" in published.stderr
    back = await at.told(f"munjigi policy rollback {before} --why 'it hit the warehouse' --wait 20")
    assert (back["number"], back["restores"]) == (number + 1, before)
    listed = await at.run("munjigi policy list")
    assert [line.split()[2] for line in listed.stdout.splitlines()] == ["published", "retired", "retired", "retired"]
    assert "rules" in await at.told(f"munjigi policy show {number}")


async def test_decisions_are_explained_and_replayed(at: Pipeline) -> None:
    (at.folder / "request.json").write_text(
        '{"zone": "shop", "method": "POST", "path": "/orders", "subject": {"id": "u-1", "roles": ["customer"]}}'
    )
    published = await at.told("munjigi policy explain --request request.json")
    assert published["decision"]["effect"] == "step_up"
    await at.told("munjigi policy export policy")
    at_desk = await at.told("munjigi policy explain --request request.json --folder policy")
    assert at_desk["decision"]["effect"] == "step_up"
    words = await at.run("munjigi policy explain --request request.json --folder policy")
    assert "shop.order" in words.stdout
    assert words.stdout.count("\n") > 3
    assert (await at.run("munjigi policy explain no-such-decision")).exit_code == 66
    assert (await at.run("munjigi policy explain")).exit_code == 2
    replayed = await at.told(f"munjigi policy replay {published['decision']['version']} --most-lost 0 --wait 60")
    assert replayed["over_at"] is not None
    assert (await at.run("munjigi policy replay 99")).exit_code == 66


async def test_exit_statuses_say_what_to_do(at: Pipeline) -> None:
    (at.folder / files.RULES).write_text("p, 1\n")
    assert (await at.run("munjigi policy lint")).exit_code == 65
    assert (await at.run("munjigi policy lint nowhere")).exit_code == 66
    (at.folder / files.RULES).write_text("p, 1, a, customer, *, shop, /**, GET, , allow,\n")
    unfit = await at.run("munjigi policy lint --json")
    assert unfit.exit_code == 1
    assert {finding["fault"] for finding in json.loads(unfit.stdout)["findings"]} == {"unknown_zone", "unknown_role"}
    assert json.loads(unfit.stderr) == {"error": {"message": ""}, "status": 1}
    assert (await at.run("munjigi policy import --why 'a test'")).exit_code == 65
    assert (await at.run("munjigi policy show 99")).exit_code == 66
    assert (await at.run("munjigi policy publish 99 --why 'a test'")).exit_code == 66
    assert (await at.run("munjigi policy list", client_id="stranger")).exit_code == 77, "no rule lets it in"
    assert (await at.run("munjigi policy list", client_id="nobody")).exit_code == 77, "there is no such client"
    reader = await at.run("munjigi policy publish 1 --why 'a test'", client_id="reader")
    assert (reader.exit_code, "invalid_scope" in reader.stderr) == (77, True)
    assert (await at.run("munjigi policy --address http://127.0.0.1:9 list")).exit_code == 69
    assert (await at.run("munjigi policy --address '' list")).exit_code == 2
    assert (await at.run("munjigi policy shadow 1 --begin --end")).exit_code == 2


async def test_a_token_for_reading_publishes_nothing_whatever_the_policy_allows(at: Pipeline) -> None:
    """The gateway lets the program in, as its rule says; the service goes by the scope that the assertion bears."""
    with at.client() as client:
        tokens = client._exchange._tokens
        client._exchange._tokens = _ForReading(tokens)
        with pytest.raises(ApiProblem) as refused:
            await asyncio.to_thread(client.versions.roll_back, 1, "a test")
    assert (refused.value.status, refused.value.code) == (403, "MJ-POLICY-033")


class _ForReading:
    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def __call__(self, scope: str, *, anew: bool = False) -> str:
        return self._tokens("policy:read", anew=anew)

    def close(self) -> None:
        self._tokens.close()


async def test_the_client_does_all_that_is_done_to_a_draft(at: Pipeline) -> None:
    with at.client() as client:
        await asyncio.to_thread(_draft_by_pieces, client)


def _draft_by_pieces(client: PolicyClient) -> None:
    why = "a test"
    shown = client.versions.current().value
    draft = client.versions.draft(DraftRequest(rules=shown.rules, why=why))
    number, contents = draft.value.version.number, client.contents
    rule = Rule("night", 205, "customer", "shop", "/orders", RuleEffect.DENY)
    one = contents.add_rule(number, rule, why, match=draft.tag)
    with pytest.raises(ApiProblem) as stale:
        contents.put_rule(number, rule, why, match=draft.tag)
    assert (stale.value.status, stale.value.code) == (412, "MJ-POLICY-032")
    two = contents.bulk(number, [PutAssignment(Assignment("u-1", "support"))], why, match=one.tag)
    assert [each.id for each in contents.assignments(number)] == ["u-1~support"]
    assert "night" in [each.id for each in contents.rules(number, zone="shop")]
    assert "support" in [each.name for each in contents.roles(number)]
    three = contents.remove_assignment(number, Assignment("u-1", "support"), why, match=two.tag)
    four = contents.remove_rule(number, "night", why, match=three.tag)
    assert four.tag == draft.tag
    read, _ = files.read(contents.export(number))
    assert files.write(read)[files.RULES] == shown.rules
    assert client.versions.test_version(number).failed == 0
    assert client.versions.withdraw(number, why, match=four.tag).state == "withdrawn"
    assert next(client.versions.history()).act == "withdrawn"
    assert list(contents.assignments()) == []
    assert client.versions.reach().everywhere

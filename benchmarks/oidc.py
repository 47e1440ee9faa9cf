"""The protocol's endpoints against npm's `oidc-provider`: each on one core, in turns, by the same load.

The peer keeps everything in its own memory, ours in PostgreSQL, durably, and its tokens can be revoked: so a refresh of
ours is compared with the bare SQL of its transaction too (benchmarks/bare_refresh.py). Both sign by ES256, rotate
refresh tokens, and give an ID token with the person's claims. The peer introspects and asks userinfo with an opaque
token, since it can do neither with a JWT; ours does with a JWT, and looks at the session each time.
"""

from __future__ import annotations

import base64
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import msgspec

from benchmarks.provider import CLIENT_ID, SECRET, Provider, running_provider
from benchmarks.result import Result, tell
from benchmarks.wrk import CannotMeasure, Round, free_port, load, pinned, two_cores

COMMAND = "python -m benchmarks oidc"
PEER = "oidc-provider"
ROUNDS = 5
SECONDS = 2
CONNECTIONS = 64
CHAINS = CONNECTIONS + 4
"""Refresh tokens of a round, more than are on their way at once; what was on its way at the end is lost."""
HERE = Path(__file__).parent


@dataclass
class Side:
    """One provider and what it is asked with."""

    process: subprocess.Popen[bytes]
    port: int
    proof: str
    tokens: Iterator[str]
    """Refresh tokens, of as many people."""
    bearer: str
    discovered: Mapping[str, Any] = field(default_factory=dict)
    resource: str = ""

    def __post_init__(self) -> None:
        self.discovered = self._get("/.well-known/openid-configuration").json()

    def _get(self, path: str) -> httpx2.Response:
        return httpx2.get(f"http://127.0.0.1:{self.port}{path}").raise_for_status()

    def path(self, name: str) -> str:
        return str(httpx2.URL(self.discovered[name]).path)

    def ask(self, core: int, path: str, *, seconds: int, **more: Any) -> Round:
        address = f"http://127.0.0.1:{self.port}{path}"
        return load(self.process, address, core=core, connections=CONNECTIONS, seconds=seconds, **more)

    def form(self, core: int, path: str, body: str, *, seconds: int) -> Round:
        environment = {"BODY": body, "AUTHORIZATION": self.proof}
        return self.ask(core, path, seconds=seconds, script=HERE / "post.lua", environment=environment)

    def refresh(self, core: int, *, seconds: int) -> Round:
        tokens = [next(self.tokens) for _ in range(CHAINS)]
        environment = {"TOKENS": " ".join(tokens), "AUTHORIZATION": self.proof, "MORE": ""}
        return self.ask(
            core, self.path("token_endpoint"), seconds=seconds, script=HERE / "refresh.lua", environment=environment
        )


def run() -> list[Result]:
    """Measure. Raises `CannotMeasure` without wrk, node, taskset, a second core, or what `make bench` installs."""
    core, others = two_cores("node")
    people = CHAINS * (ROUNDS + 1)
    with running_provider(core, others, people + CONNECTIONS * ROUNDS + 1) as provider, _peer(core, people) as peer:
        ours = _ours(provider, people)
        rounds: dict[str, list[tuple[Round, Round]]] = {}
        for number in range(ROUNDS + 1):
            for name, one, other in _measurements(ours, peer, others, SECONDS if number else 1):
                if number:  # what is loaded lazily is loaded in the first
                    rounds.setdefault(name, []).append((one, other))
                    tell(f"  {name}: {_told(one)}, {PEER} {_told(other)}")
        bare = [_bare(core, provider, number, people) for number in range(ROUNDS)]
        tell(f"  bare SQL: {statistics.median(bare):,.0f}/s")
    refreshed = [one.requests_per_second for one, _ in rounds["refresh"]]
    results = [result for name, pairs in rounds.items() for result in _results(name, pairs)]
    return [*results, _result("refresh_sql", "requests/s", "the bare SQL of it", refreshed, bare)]


def _measurements(ours: Side, peer: Side, core: int, seconds: int) -> Iterator[tuple[str, Round, Round]]:
    def both(name: str, ask: Callable[[Side], Round]) -> tuple[str, Round, Round]:
        return name, ask(ours), ask(peer)

    def endpoint(name: str) -> Callable[[Side], Round]:
        return lambda side: side.ask(core, side.path(name), seconds=seconds)

    yield both("refresh", lambda side: side.refresh(core, seconds=seconds))
    if "client_credentials" in ours.discovered["grant_types_supported"]:
        yield both(
            "client_credentials",
            lambda side: side.form(
                core,
                side.path("token_endpoint"),
                f"grant_type=client_credentials{side.resource}",
                seconds=seconds,
            ),
        )
    yield both(
        "introspection",
        lambda side: side.form(core, side.path("introspection_endpoint"), f"token={side.bearer}", seconds=seconds),
    )
    yield both(
        "userinfo",
        lambda side: side.ask(
            core, side.path("userinfo_endpoint"), seconds=seconds, headers=[f"Authorization: Bearer {side.bearer}"]
        ),
    )
    yield both("discovery", lambda side: side.ask(core, "/.well-known/openid-configuration", seconds=seconds))
    yield both("jwks", endpoint("jwks_uri"))


def _results(name: str, rounds: Sequence[tuple[Round, Round]]) -> Iterator[Result]:
    ours, theirs = zip(*rounds, strict=True)
    for named, attribute, unit in ((name, "requests_per_second", "requests/s"), (f"{name}_cpu", "cpu", "us")):
        yield _result(
            named, unit, PEER, [getattr(one, attribute) for one in ours], [getattr(one, attribute) for one in theirs]
        )


def _result(name: str, unit: str, peer: str, ours: Sequence[float], theirs: Sequence[float]) -> Result:
    return Result.against(f"oidc.{name}", statistics.median(ours), unit, peer, statistics.median(theirs), COMMAND)


def _told(one: Round) -> str:
    return f"{one.requests_per_second:,.0f}/s ({one.cpu:,.0f} us)"


def _ours(provider: Provider, people: int) -> Side:
    proof = base64.b64encode(f"{CLIENT_ID}:{SECRET}".encode()).decode()
    form = {"grant_type": "refresh_token", "refresh_token": provider.refresh_tokens[-1]}
    answer = httpx2.post(
        f"http://127.0.0.1:{provider.port}/token", data=form, headers={"Authorization": f"Basic {proof}"}
    )
    return Side(
        process=provider.process,
        port=provider.port,
        proof=f"Basic {proof}",
        tokens=iter(provider.refresh_tokens[:people]),
        bearer=answer.raise_for_status().json()["access_token"],
    )


@contextmanager
def _peer(core: int, people: int) -> Iterator[Side]:
    folder = HERE / "oidc_provider"
    if not (folder / "node_modules").exists():
        raise CannotMeasure(f"{PEER} is not installed; `make bench` does it")
    port = free_port()
    environment = {**os.environ, "NODE_ENV": "production"}
    command = ("node", str(folder / "server.mjs"), str(port), str(people))
    with pinned(core, *command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        made = msgspec.json.decode(process.stdout.readline(), type=dict[str, Any])
        proof = base64.b64encode(f"{made['client_id']}:{made['client_secret']}".encode()).decode()
        yield Side(
            process=process,
            port=port,
            proof=f"Basic {proof}",
            tokens=iter(made["refresh_tokens"]),
            bearer=made["access_token"],
            resource=f"&scope=read&resource={made['resource']}",
        )


def _bare(core: int, provider: Provider, number: int, people: int) -> float:
    first = people + number * CONNECTIONS
    asked = {
        "var": str(provider.settings.var),
        "secret": SECRET,
        "tokens": provider.refresh_tokens[first : first + CONNECTIONS],
    }
    command = ["taskset", "-c", str(core), sys.executable, "-m", "benchmarks.bare_refresh"]
    told = subprocess.run(command, input=msgspec.json.encode(asked), capture_output=True, check=True).stdout
    return float(told.split()[-1])

"""The client of the policy API: what is sent again and what is not, tokens, errors."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from urllib.parse import parse_qsl

import httpx2
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey, RSAKey

from idp.clients.client import Client
from idp.clients.private_key_jwt import check_assertion
from jose.foreign import ForeignKey, ForeignToken
from policy.admin.messages import VersionEntry, VersionList
from policy.admin.scopes import PUBLISH, READ
from policy.client import ApiProblem, ClientCredentials, NoToken, PolicyClient, SigningKey, Unreachable, WrongKey
from policy.client.exchange import LONGEST_WAIT, Exchange
from policy.client.proofs import ASSERTION_TYPE
from tests.idp.keys import Key, rsa_key

Answer = httpx2.Response | Exception
NONE = {"versions": [], "next_before": None}
MADE = {
    "number": 7,
    "state": "published",
    "sha256": "0",
    "author": "a",
    "why": "w",
    "created_at": "2026-11-27T00:00:00Z",
    "publisher": "a",
    "published_at": "2026-11-27T00:00:00Z",
    "restores": 1,
}
UNDER_WAY = {"code": "MJ-POLICY-036", "title": "The same request is under way"}


class Tokens:
    """Gives `first`, and after each refusal the next."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bool]] = []

    def __call__(self, scope: str, *, anew: bool = False) -> str:
        self.asked.append((scope, anew))
        return f"token-{sum(renewed for _, renewed in self.asked)}"

    def close(self) -> None:
        pass


class Wire:
    """Answers as it was told, one after the other, and remembers what it was asked and how long was waited."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[httpx2.Request] = []
        self.waits: list[float] = []
        self.tokens = Tokens()
        http = httpx2.Client(transport=httpx2.MockTransport(self._answer))
        self.exchange = Exchange("http://console.example/", self.tokens, http=http, sleep=self.waits.append)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(httpx2.Request(request.method, request.url, headers=request.headers))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def look(self) -> VersionList:
        return self.exchange.get(VersionList, "/versions", READ).value

    def act(self) -> VersionEntry:
        return self.exchange.act(VersionEntry, "POST", "/rollback", PUBLISH).value

    def sent(self, header: str) -> set[str | None]:
        return {request.headers.get(header) for request in self.requests}


def answer(status: int, body: object = None, **headers: str) -> httpx2.Response:
    return httpx2.Response(status, content=msgspec.json.encode(body), headers=headers)


PASSING: list[Callable[[], Answer]] = [
    lambda: httpx2.ConnectError("refused"),
    lambda: httpx2.ReadTimeout("no answer came"),
    lambda: answer(503),
    lambda: answer(502),
    lambda: answer(429),
    lambda: answer(409, UNDER_WAY),
]


@pytest.mark.parametrize("passing", PASSING)
def test_what_came_to_nothing_is_sent_again_with_the_same_key(passing: Callable[[], Answer]) -> None:
    wire = Wire(passing(), passing(), answer(200, MADE))
    assert wire.act().number == 7
    assert len(wire.requests) == 3
    [key] = wire.sent("idempotency-key")
    assert key is not None
    assert len(key) == 38
    assert len(wire.waits) == 2


def test_another_act_has_another_key_and_looking_has_none() -> None:
    wire = Wire(answer(200, MADE), answer(200, MADE), answer(200, NONE))
    wire.act(), wire.act(), wire.look()
    assert len(wire.sent("idempotency-key")) == 3
    assert wire.requests[2].headers.get("idempotency-key") is None


def test_after_five_attempts_it_is_given_up() -> None:
    wire = Wire(*[httpx2.ConnectError("refused")] * 5)
    with pytest.raises(Unreachable):
        wire.look()
    assert len(wire.requests) == 5
    wire = Wire(*[answer(503, {"code": "MJ-WEB-002", "title": "away"})] * 5)
    with pytest.raises(ApiProblem, match="MJ-WEB-002"):
        wire.look()


@pytest.mark.parametrize("status", [400, 403, 404, 409, 412, 422, 500])
def test_what_would_be_answered_the_same_is_not_sent_again(status: int) -> None:
    said = {"code": "MJ-POLICY-004", "title": "faults", "errors": [{"message": "m", "rule": "r", "line": 3}]}
    wire = Wire(answer(status, said))
    with pytest.raises(ApiProblem) as refused:
        wire.act()
    assert (refused.value.status, refused.value.code, refused.value.errors[0].line) == (status, "MJ-POLICY-004", 3)
    assert wire.waits == []


def test_it_waits_as_long_as_it_is_told_within_reason() -> None:
    wire = Wire(answer(503, **{"Retry-After": "2"}), answer(503, **{"Retry-After": "86400"}), answer(200, NONE))
    wire.look()
    assert wire.waits == [2.0, LONGEST_WAIT]


def test_a_refused_token_is_renewed_once() -> None:
    wire = Wire(answer(401), answer(200, NONE))
    wire.look()
    assert [request.headers["authorization"] for request in wire.requests] == ["Bearer token-0", "Bearer token-1"]
    assert wire.tokens.asked == [(READ, False), (READ, True)]
    wire = Wire(answer(401), answer(401, {"code": "MJ-POLICY-012"}))
    with pytest.raises(ApiProblem, match="MJ-POLICY-012"):
        wire.look()


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b"\xff", b"[" * 100_000])
def test_whatever_answers_is_told_of(body: bytes) -> None:
    with pytest.raises(Unreachable):
        Wire(httpx2.Response(200, content=body)).look()
    with pytest.raises(ApiProblem) as refused:
        Wire(httpx2.Response(404, content=body)).look()
    assert (refused.value.status, refused.value.code) == (404, "")


class Provider:
    """An identity provider that gives tokens of 300 seconds, and counts them."""

    def __init__(self, proof: str | SigningKey = "s3cret") -> None:
        self.forms: list[str] = []
        self.headers: list[str | None] = []
        self.now = 1000.0
        self.answer: Answer | None = None
        http = httpx2.Client(transport=httpx2.MockTransport(self._answer))
        self.tokens = ClientCredentials(
            "https://id.example/", "ci", proof, http=http, resource="https://c.example", monotonic=lambda: self.now
        )

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        assert str(request.url) == "https://id.example/token"
        self.forms.append(request.content.decode())
        self.headers.append(request.headers.get("authorization"))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer or answer(200, {"access_token": f"t{len(self.forms)}", "expires_in": 300})


def test_a_token_is_kept_until_shortly_before_its_end_for_each_scope() -> None:
    provider = Provider()
    assert [provider.tokens(READ), provider.tokens(READ), provider.tokens(PUBLISH)] == ["t1", "t1", "t2"]
    provider.now += 269
    assert provider.tokens(READ) == "t1"
    provider.now += 2
    assert provider.tokens(READ) == "t3"
    assert provider.tokens(READ, anew=True) == "t4"
    assert "scope=policy%3Aread" in provider.forms[0]
    assert "resource=https%3A%2F%2Fc.example" in provider.forms[0]


def test_without_a_token_it_is_said_why() -> None:
    provider = Provider()
    provider.answer = answer(400, {"error": "invalid_scope", "error_description": "not yours"})
    with pytest.raises(NoToken, match="invalid_scope: not yours"):
        provider.tokens(READ)
    for other in (httpx2.ConnectError("refused"), httpx2.Response(200, content=b"<html>")):
        provider.answer = other
        with pytest.raises(Unreachable):
            provider.tokens(READ)


def test_a_secret_is_never_shown() -> None:
    tokens = Provider().tokens
    assert "s3cret" not in f"{tokens!r}{tokens}"
    assert "PRIVATE" not in f"{SigningKey(Key().pem().decode())!r}"


@pytest.mark.parametrize("key", [Key(kid="k-1"), rsa_key(), rsa_key(algorithm="RS256")], ids=["EC", "RSA", "RS256"])
def test_a_key_signs_what_is_good_once_at_one_provider(key: Key) -> None:
    written = key.pem().decode()
    if key.kid or key.algorithm == "RS256":
        whole: dict[str, object] = (ECKey if key.kid else RSAKey).import_key(written).as_dict(private=True)
        written = msgspec.json.encode({**whole, "kid": key.kid or "k", "alg": key.algorithm}).decode()
    provider = Provider(SigningKey(written, now=lambda: 1000.0))
    for scope in (READ, PUBLISH):
        provider.tokens(scope)
    asked = [dict(parse_qsl(form)) for form in provider.forms]
    tokens = [ForeignToken(one.pop("client_assertion")) for one in asked]
    assert asked[0]["client_assertion_type"] == ASSERTION_TYPE
    assert provider.headers == [None, None], "no secret beside it"
    client = Client(
        client_id="ci",
        name={},
        auth_method="private_key_jwt",
        secret_hash=None,
        redirect_uris=(),
        post_logout_redirect_uris=(),
        grant_types=("client_credentials",),
        scopes=(READ, PUBLISH),
    )
    keys, issuer = [ForeignKey(key.registered)], "https://id.example"
    proven = [check_assertion(one, keys, client, issuer=issuer, addresses=(), now=1000.0) for one in tokens]
    assert len({one.jti for one in proven}) == 2
    assert {one.good_until for one in proven} == {1060.0}


@pytest.mark.parametrize(
    "written",
    [
        "",
        "no key",
        "{}",
        '{"kty": "oct", "k": "AAAA"}',
        msgspec.json.encode(Key().jwk).decode(),
        Key(ec.generate_private_key(ec.SECP384R1())).pem().decode(),
    ],
    ids=["nothing", "words", "empty", "a secret", "public", "another curve"],
)
def test_what_signs_nothing_is_no_key(written: str) -> None:
    with pytest.raises(WrongKey):
        SigningKey(written)


def test_it_imports_the_messages_and_nothing_of_the_server() -> None:
    server = ("starlette.applications", "uvicorn", "policy.admin.app", "policy.admin.endpoints", "policy.storage")
    program = f"import policy.client, sys; print(*(name for name in {server} if name in sys.modules))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == ""


def test_it_closes_what_it_opened() -> None:
    with PolicyClient("http://console.example", ClientCredentials("http://id.example", "a", "b")) as client:
        pass
    with pytest.raises(RuntimeError):
        client.versions.reach()

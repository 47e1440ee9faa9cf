"""The client that the FAPI 2.0 plan plays: it proves itself by a key or a certificate, and its tokens by one, too."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

import httpx2
from cryptography import x509

from tests.conformance.party import registered
from tests.idp.browser import Browser
from tests.idp.keyed import USERINFO, redemption
from tests.idp.keys import Key, certificate, client_cert, der
from tests.idp.provider import CALLBACK, App, Provider
from tests.idp.signing_app import parameters_of

SELF_SIGNED = "self_signed_tls_client_auth"
BY_AUTHORITY = "tls_client_auth"
BY_CERTIFICATE = (SELF_SIGNED, BY_AUTHORITY)
SUBJECT = "CN={name},O=Example"


@dataclass
class Bank:
    """One client of a variant of the plan: `client_auth_type` and `sender_constrain`."""

    provider: Provider
    auth: str = "private_key_jwt"
    bound: str = "dpop"
    app: App = field(default_factory=lambda: App("bank", None))
    own: Key = field(default_factory=lambda: Key(kid="own"))
    tokens_key: Key = field(default_factory=Key)
    nonce: str | None = None
    browser: Browser | None = None
    found: x509.Certificate | None = None
    authority: tuple[x509.Certificate, Key] | None = None
    """Whose certificates the provider believes, for `tls_client_auth`."""

    async def registered(self, **more: Any) -> Bank:
        subject = SUBJECT.format(name=self.app.client_id)
        issuer = self.authority if self.auth == BY_AUTHORITY else None
        self.found = certificate(self.own, self.provider.parts.clock.now(), subject=subject, issuer=issuer)
        x5c = [base64.b64encode(der(self.found)).decode()]
        key = {**self.own.registered, **({"x5c": x5c} if self.auth == SELF_SIGNED else {})}
        said = {
            "profile": "fapi2",
            "jwks": {"keys": [key]},
            "require_pushed_authorization_requests": True,
            "dpop_bound_access_tokens": self.bound == "dpop",
            "tls_client_certificate_bound_access_tokens": self.bound == "mtls",
            "id_token_signed_response_alg": "ES256",
            **({"tls_client_auth_subject_dn": subject} if self.auth == BY_AUTHORITY else {}),
            **more,
        }
        await registered(self.provider, self.app.client_id, auth_method=self.auth, **said)  # type: ignore[arg-type]
        return self

    async def another(self) -> Bank:
        """A second client of the same kind, with keys of its own."""
        app = App("another", None, self.app.verifier)
        return await Bank(self.provider, self.auth, self.bound, app, authority=self.authority).registered()

    def headers(self, *, certified: bool = True) -> dict[str, str]:
        """What nginx says of the connection."""
        told = self.found is not None and (self.bound == "mtls" or self.auth in BY_CERTIFICATE)
        return {"Client-Cert": client_cert(self.found)} if told and certified and self.found is not None else {}

    def assertion(self, audience: Any = None, **said: Any) -> dict[str, str]:
        """How it proves itself; by certificate it only says its name."""
        if self.auth in BY_CERTIFICATE:
            return {"client_id": self.app.client_id}
        now = self.provider.parts.clock.timestamp()
        return self.own.assertion(self.app.client_id, audience or self.provider.parts.issuer, now, **said)

    def proof(self, path: str, **said: Any) -> dict[str, str]:
        now = self.provider.parts.clock.timestamp()
        made = {"nonce": self.nonce, **said}
        return {"DPoP": self.tokens_key.proof("POST", f"http://localhost:9000{path}", now, **made)}

    async def post(
        self,
        path: str,
        form: dict[str, str],
        *,
        prove: bool = True,
        certified: bool = True,
        shown: dict[str, str] | None = None,
        **said: Any,
    ) -> httpx2.Response:
        """`shown` stands for the assertion, `said` is more for the proof; a nonce that is wanted is used at once."""
        proves = prove and self.bound == "dpop"
        for _ in range(2):
            headers = {**self.headers(certified=certified), **(self.proof(path, **said) if proves else {})}
            async with self.provider.client() as http:
                fields = {**form, **(self.assertion() if shown is None else shown)}
                answer = await http.post(path, data=fields, headers=headers)
            self.nonce = answer.headers.get("dpop-nonce", self.nonce)
            if answer.json().get("error") != "use_dpop_nonce":
                break
        return answer

    def parameters(self, **changed: str | None) -> dict[str, str]:
        return parameters_of(self.app, **changed)

    async def push(self, *, prove: bool = False, **changed: str | None) -> httpx2.Response:
        return await self.post("/par", self.parameters(**changed), prove=prove)

    async def reference(self, *, prove: bool = False, **changed: str | None) -> str:
        pushed = await self.push(prove=prove, **changed)
        assert pushed.status_code == 201, pushed.text
        return str(pushed.json()["request_uri"])

    async def visit(self, reference: str, **beside: str) -> httpx2.Response:
        """Go to the authorization endpoint with a reference, in a browser of a new person."""
        self.browser = self.provider.browser()
        query = urlencode({"client_id": self.app.client_id, "request_uri": reference, **beside})
        return await self.browser.follow(await self.browser.get(f"/authorize?{query}"))

    async def answer(self, reference: str, **beside: str) -> dict[str, str]:
        """What the client is told once somebody signed in."""
        page = await self.visit(reference, **beside)
        assert page.status_code == 200, page.text
        assert self.browser is not None
        await self.provider.prove(self.browser, await self.provider.person(f"person-{len(self.provider.browsers)}"))
        assert self.browser.address.startswith(CALLBACK), self.browser.address
        told = self.browser.query()
        assert told["iss"] == self.provider.parts.issuer
        return told

    async def code(self, *, prove: bool = False, **changed: str | None) -> str:
        return (await self.answer(await self.reference(prove=prove, **changed)))["code"]

    async def redeem(self, code: str, **how: Any) -> httpx2.Response:
        return await self.post("/token", redemption(self.app, code), **how)

    async def tokens(self, **changed: str | None) -> dict[str, Any]:
        answer = await self.redeem(await self.code(**changed))
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    async def resource(
        self, token: str, *, scheme: str | None = None, certified: bool = True, proofs: int = 1, **said: Any
    ) -> httpx2.Response:
        """Ask userinfo with a token; `said` is more for the proof."""
        by_dpop = self.bound == "dpop"
        headers = [("Authorization", f"{scheme or ('DPoP' if by_dpop else 'Bearer')} {token}")]
        headers += list(self.headers(certified=certified).items())
        now = self.provider.parts.clock.timestamp()
        made = {"token": token, **said}
        method, address = made.pop("method", "GET"), made.pop("address", USERINFO)
        if by_dpop:
            headers += [("DPoP", self.tokens_key.proof(method, address, now, **made)) for _ in range(proofs)]
        async with self.provider.client() as http:
            return await http.get("/userinfo", headers=headers)

    def with_key(self, key: Key) -> Bank:
        """The same client, with another key for its tokens."""
        return replace(self, tokens_key=key)

"""Raw bytes where forms are expected: fields doubled, cut, mixed, in any encoding, beside headers of any kind.

No endpoint answers 500, each answers in its own form, nobody is led to an address that no client has, and what is
refused uses nothing up.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from urllib.parse import parse_qs, quote_from_bytes, quote_plus

import httpx2
import hypothesis
import pytest
from hypothesis import strategies as st

from config.problem import PROBLEM_JSON
from config.settings import Settings
from idp.endpoints.parameters import FORM
from tests.fuzz.conformance import QUICKLY, profile
from tests.idp.provider import AFTER_LOGOUT, CALLBACK, SECRET

QUICK = pytest.param(QUICKLY[1], id="quick")
LONG = pytest.param(20_000, id="long", marks=pytest.mark.proof)
CLIENTS_POST_TO = ("/token", "/introspect", "/revoke")
PEOPLE_GO_TO = ("/authorize", "/end-session")
ODD = (
    "",
    "\0",
    "%",
    "&=",
    "\r\n\r\n",
    "é" * 600,
    "a" * 2049,
    "0" * 5000,
    "-1",
    "9" * 400,
    "null",
    "[]",
    "\ud7ff\uffff",
)


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    encoded: bytes
    headers: tuple[tuple[str, str], ...]


def requests_to(paths: tuple[str, ...], known: dict[str, str]) -> st.SearchStrategy[Asked]:
    """Whatever may be sent to these."""
    values = st.one_of(st.sampled_from(sorted(known.values())), st.sampled_from(ODD), st.text(max_size=40))
    names = st.one_of(st.sampled_from(sorted(known)), st.text(max_size=12))
    pairs = st.one_of(st.sampled_from(sorted(known.items())), st.tuples(names, values))
    whole = st.permutations(sorted(known.items()))
    written = st.sampled_from((quote_plus, lambda text: quote_from_bytes(text.encode("utf-16")), str))
    forms = st.builds(
        lambda pairs, write, more: "&".join(f"{write(name)}={write(value)}" for name, value in [*pairs, *more]).encode(
            "utf-8", "replace"
        ),
        st.one_of(whole, st.lists(pairs, max_size=70)),
        written,
        st.lists(pairs, max_size=2),
    )
    proofs = (
        "",
        f"Basic {base64.b64encode(f'app:{SECRET}'.encode()).decode()}",
        f"Bearer {known['token']}",
        f"Bearer {known['refresh_token']}",
        "Basic",
        "Basic ::::",
        f"basic {base64.b64encode(b'app').decode()}",
        f"Basic {base64.b64encode(bytes(range(128, 200))).decode()}",
        f"DPoP {known['token']}",
        "Bearer " + "." * 9000,
    )
    types = (FORM, FORM, FORM, f"{FORM}; charset=utf-16", "application/json", "multipart/form-data; boundary=x", "")
    headers = st.tuples(
        st.sampled_from(types).map(lambda kind: ("Content-Type", kind)),
        st.sampled_from(proofs).map(lambda proof: ("Authorization", proof)),
        st.sampled_from(("*/*", "text/html", "")).map(lambda kind: ("Accept", kind)),
    ).map(lambda found: tuple((name, value) for name, value in found if value))
    doubled = headers.map(lambda found: (*found, *(one for one in found if one[0] == "Authorization")))
    return st.builds(
        Asked,
        st.sampled_from(("POST", "POST", "POST", "GET")),
        st.sampled_from(paths),
        st.one_of(forms, forms.map(lambda body: body[: len(body) // 2]), st.binary(max_size=64)),
        st.one_of(headers, headers, headers, doubled),
    )


def send(client: httpx2.Client, asked: Asked) -> httpx2.Response:
    if asked.method == "POST":
        return client.request("POST", asked.path, content=asked.encoded, headers=list(asked.headers))
    query = quote_from_bytes(asked.encoded, safe="&=%+")
    return client.request("GET", f"{asked.path}?{query}", headers=list(asked.headers))


@pytest.mark.parametrize("examples", [QUICK, LONG])
def test_what_clients_post(client: httpx2.Client, known: dict[str, str], examples: int) -> None:
    @profile(examples)
    @hypothesis.given(requests_to((*CLIENTS_POST_TO, "/userinfo"), known))
    def ask(asked: Asked) -> None:
        answer = send(client, asked)
        if answer.status_code == 405:
            assert asked.method == "GET"
            return
        assert answer.status_code in (200, 400, 401, 403)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "no-store"
        body = answer.json()
        if answer.status_code != 200:
            assert body["code"].startswith("MJ-IDP-")
            assert body["error"]
        challenged = answer.status_code in (401, 403) or (asked.path == "/userinfo" and answer.status_code == 400)
        assert ("www-authenticate" in answer.headers) == challenged  # RFC 6750, section 3; RFC 6749, section 5.2

    ask()


@pytest.mark.parametrize("examples", [QUICK, LONG])
def test_where_people_are_led(settings: Settings, client: httpx2.Client, known: dict[str, str], examples: int) -> None:
    """To pages of ours, or to an address of a client's, to the letter, with `iss`: no open redirect."""

    @profile(examples)
    @hypothesis.given(requests_to(PEOPLE_GO_TO, known))
    def ask(asked: Asked) -> None:
        answer = send(client, asked)
        if answer.status_code == 303:
            address, _, query = answer.headers["location"].partition("?")
            assert address in ("/authorize/continue", CALLBACK, AFTER_LOGOUT)
            if address == CALLBACK:
                told = parse_qs(query)
                assert told["iss"] == [settings.idp.issuer]
                assert told["error"]
        elif answer.status_code == 429:
            assert int(answer.headers["retry-after"]) > 0
        else:
            assert answer.status_code in (200, 400)
            kind = answer.headers["content-type"]
            assert kind.startswith("text/html") or (kind == PROBLEM_JSON and answer.json()["code"].startswith("MJ-"))

    ask()


def test_what_is_refused_uses_nothing_up(client: httpx2.Client, known: dict[str, str]) -> None:
    """A request to the token endpoint that is good but for one thing, be it what it may."""
    code = {**known, "grant_type": "authorization_code"}
    needed = {
        "authorization_code": ("grant_type", "code", "code_verifier", "redirect_uri", "client_id", "client_secret"),
        "refresh_token": ("grant_type", "refresh_token", "client_id", "client_secret"),
    }

    def form(values: dict[str, str]) -> dict[str, str]:
        return {name: values[name] for name in needed[values["grant_type"]]}

    @profile(QUICKLY[1])
    @hypothesis.given(st.sampled_from((form(code), form(known))), st.data())
    def spoil(good: dict[str, str], data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(good)))
        how = data.draw(st.sampled_from(("absent", "doubled", "other")))
        fields = [(one, value) for one, value in good.items() if one != name]
        if how == "doubled":
            fields += [(name, good[name])] * 2
        elif how == "other":
            fields.append((name, data.draw(st.one_of(st.sampled_from(ODD), st.text())).replace(good[name], "")))
        body = "&".join(f"{quote_plus(one)}={quote_plus(value)}" for one, value in fields)
        answer = client.post("/token", content=body, headers={"Content-Type": FORM})
        assert answer.status_code in (400, 401), answer.text

    spoil()
    for good in (form(code), form(known)):
        assert client.post("/token", data=good).status_code == 200

"""Whatever is asked: no open redirect, no error of ours, `iss` in each answer, nothing consumed by a refusal."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from idp.storage.protocol_tables import login, pushed_request
from tests.idp.provider import CALLBACK, Provider
from tests.idp.signing_app import parameters_of, push

STRANGE = st.sampled_from(
    [
        "", "\0", "x" * 2049, "https://evil.example/", "//evil.example", CALLBACK + "@evil.example", CALLBACK + "/..",
        CALLBACK + "?x", "a.b.c", "..", "urn:ietf:params:oauth:request_uri:" + "A" * 43, "{", '{"id_token": null}',
        "none", "none login", "create", "form_post", "fragment", "-1", "é", "\r\nLocation: https://evil.example/",
    ]
)  # fmt: skip
NAMES = st.sampled_from(
    [
        "response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge", "response_mode",
        "code_challenge_method", "prompt", "max_age", "acr_values", "claims", "request", "request_uri", "resource",
        "display", "id_token_hint", "ui_locales", "claims_locales", "login_hint", "registration", "made_up",
    ]
)  # fmt: skip
CHANGES = st.lists(st.tuples(NAMES, STRANGE, st.sampled_from(["instead", "again"])), min_size=1, max_size=4)
ONE_BY_ONE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


async def test_whatever_is_asked(provider: Provider) -> None:
    app, browser = await provider.register(), provider.browser()
    sound = parameters_of(app)
    kept = (await push(provider, app)).json()["request_uri"]

    async def rows() -> tuple[int, int]:
        async with provider.parts.database.connect() as tx:
            logins, pushed = select(func.count()).select_from(login), select(func.count()).select_from(pushed_request)
            return (await tx.execute(logins)).scalar_one(), (await tx.execute(pushed)).scalar_one()

    asked: list[list[tuple[str, str]]] = []

    @ONE_BY_ONE
    @given(CHANGES)
    def collect(changes: list[tuple[str, str, str]]) -> None:
        parameters = list(sound.items())
        for name, value, how in changes:
            parameters = [pair for pair in parameters if how == "again" or pair[0] != name]
            parameters.append((name, value))
        asked.append(parameters)

    collect()
    for parameters in asked:
        before = await rows()
        answer = await browser.client.get("/authorize", params=parameters, headers={"Accept": "text/html"})
        begun = answer.headers.get("location", "").startswith("/authorize/continue?hop=")
        after = await rows()
        assert answer.status_code in (200, 303, 400), parameters
        assert after == (before[0] + begun, before[1]), parameters
        if answer.status_code == 303 and not begun:
            location = urlsplit(answer.headers["location"])
            assert f"{location.scheme}://{location.netloc}{location.path}" == CALLBACK, parameters
            told = dict(parse_qsl(location.query))
            assert told["iss"] == provider.parts.issuer
            assert told["error"]
        if answer.status_code == 200:
            assert f'action="{CALLBACK}"' in answer.text
            assert 'name="iss"' in answer.text
    redeemed = await browser.get("/authorize?client_id=app&request_uri=" + kept)
    assert redeemed.headers["location"].startswith("/authorize/continue?hop=")

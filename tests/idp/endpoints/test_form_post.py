"""OAuth 2.0 Form Post Response Mode 1.0: a page that posts itself to the client, and to nobody else."""

from __future__ import annotations

import re

import httpx2

from tests.idp.provider import CALLBACK, Provider


def fields(page: httpx2.Response) -> dict[str, str]:
    """What the page's form sends, once it is sure that it is one that may be sent."""
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    policy = dict(part.strip().partition(" ")[::2] for part in page.headers["content-security-policy"].split(";"))
    assert policy["form-action"] == "https://app.example"
    assert policy["default-src"] == "'none'"
    nonces = re.findall(r"<script nonce=\"([^\"]+)\">", page.text)
    assert len(nonces) == page.text.count("<script") == 1
    assert f"'nonce-{nonces[0]}'" in policy["script-src"]
    assert page.text.count("<h1>") == 1
    assert "<button" in page.text  # for whoever has no scripts
    assert re.findall(r"<form method=\"post\" action=\"([^\"]+)\"", page.text) == [CALLBACK]
    return dict(re.findall(r"<input type=\"hidden\" name=\"([^\"]+)\" value=\"([^\"]*)\">", page.text))


async def test_a_code_at_the_end_of_a_login(provider: Provider) -> None:
    app, person, browser = await provider.register(), await provider.person(), provider.browser()
    await browser.follow(await browser.get(app.request(response_mode="form_post")))
    page = await provider.prove(browser, person)
    sent = fields(page)
    assert set(sent) == {"code", "state", "iss"}
    assert sent["state"] == "a state"
    assert sent["iss"] == provider.parts.issuer
    assert (await provider.redeem(app, sent["code"])).status_code == 200
    korean = await browser.get(app.request(response_mode="form_post", prompt="none", ui_locales="ko"))
    assert "앱으로 계속하기" in (await browser.follow(korean)).text
    assert any(name.startswith("__Host-munjigi-session") for name in browser.cookies)


async def test_errors_come_the_same_way(provider: Provider) -> None:
    app, browser = await provider.register(), provider.browser()
    at_once = fields(await browser.get(app.request(response_mode="form_post", scope="profile")))
    assert (at_once["error"], at_once["state"]) == ("invalid_scope", "a state")
    assert at_once["iss"] == provider.parts.issuer
    later = await browser.follow(await browser.get(app.request(response_mode="form_post", prompt="none")))
    assert fields(later)["error"] == "login_required"


async def test_what_a_stranger_writes_stays_text(provider: Provider) -> None:
    app, browser = await provider.register(), provider.browser()
    page = await browser.get(
        app.request(response_mode="form_post", scope="profile", state='"><script>alert(1)</script>')
    )
    assert "<script>alert" not in page.text
    assert page.text.count("<script") == 1

"""The page where people ask for a role, for a time: without scripts, in both languages, each sees their own."""

from __future__ import annotations

import re

import httpx2
import msgspec
import pytest

from jose.assertion import Subject
from tests.policy.test_admin import ADMIN, Caller
from tests.policy.test_overlay_api import ASKER, act, asked, call

__all__ = ["call"]
PAGE = "/elevations/mine"


async def post(call: Caller, path: str, who: Subject = ASKER, **form: str) -> httpx2.Response:
    headers = {"Munjigi-Assertion": call.assertion(who)}
    return await call.client.post(f"/api/policy{path}", headers=headers, data=form)


async def test_somebody_asks_sees_who_granted_it_and_until_when_and_gives_it_back(call: Caller) -> None:
    page = await call("GET", f"{PAGE}?locale=ko", who=ASKER)
    assert page.status_code == 200
    assert '<html lang="ko">' in page.text
    assert page.text.count("<h1>") == 1
    assert re.findall(r'<option value="(\d+)"', page.text) == ["900", "1800", "3600"]
    sent = await post(call, PAGE, role="administrator", seconds="1800", reason="an audit of <May>")
    assert (sent.status_code, sent.headers["location"]) == (303, f"/api/policy{PAGE}?done=asked")
    page = await call("GET", f"{PAGE}?locale=en&done=asked", who=ASKER)
    assert "You asked." in page.text
    assert "Waiting for an answer" in page.text
    assert "an audit of &lt;May&gt;" in page.text
    assert "There is no other role that you can ask for now." in page.text
    [ident] = re.findall(rf'action="/api/policy{PAGE}/([^"]+)"', page.text)
    await act(call, ident, "approve", msgspec.structs.replace(ADMIN, name="Ada"))
    page = await call("GET", f"{PAGE}?locale=en", who=ASKER)
    assert "Held now" in page.text
    assert re.search(r"<dt>Decided by</dt><dd>Ada</dd>", page.text), "by name"
    assert "<dt>Until</dt>" in page.text
    back = await post(call, f"{PAGE}/{ident}")
    assert back.headers["location"].endswith("?done=ended")
    assert "Ended early" in (await call("GET", f"{PAGE}?locale=en", who=ASKER)).text


async def test_what_is_wrong_is_said_beside_it_and_what_was_typed_stays(call: Caller) -> None:
    short = await post(call, PAGE, role="administrator", seconds="1800", reason=" x ")
    assert short.status_code == 422
    assert 'aria-invalid="true"' in short.text
    assert '<option value="1800" selected>' in short.text
    long = await post(call, PAGE, role="administrator", seconds="3601", reason="an audit")
    assert (long.status_code, "MJ-POLICY-064" in long.text, 'value="an audit"' in long.text) == (422, True, True)
    for form in ({"role": "administrator", "seconds": "x", "reason": "an audit"}, {"reason": "an audit"}):
        assert (await post(call, PAGE, **form)).status_code == 422
    stale = await post(call, PAGE, msgspec.structs.replace(ASKER, acr="urn:munjigi:acr:1"), reason="an audit")
    assert stale.status_code == 401
    assert 'error="insufficient_user_authentication"' in stale.headers["www-authenticate"]
    assert (await call("GET", "/elevations", who=ASKER)).json()["elevations"] == []


@pytest.mark.parametrize("who", [ASKER, Subject(sid="s", sub="p", roles=("client:p",))], ids=["another", "a program"])
async def test_nobody_sees_or_gives_back_what_is_anothers(call: Caller, who: Subject) -> None:
    made = await asked(call)
    other = msgspec.structs.replace(who, sub="u-other")
    assert made["reason"] not in (await call("GET", PAGE, who=other)).text
    assert (await post(call, f"{PAGE}/{made['id']}", other)).status_code in (403, 404)
    administrator = msgspec.structs.replace(ASKER, sub="u-admin", roles=("administrator",))
    assert (await post(call, f"{PAGE}/{made['id']}", administrator)).status_code == 404, "that is for the console"
    assert (await call("GET", f"/elevations/{made['id']}", who=ASKER)).json()["state"] == "asked"


async def test_its_stylesheet_stands_where_whoever_may_ask_gets_it(call: Caller) -> None:
    page = await call("GET", PAGE, who=ASKER)
    [sheet] = re.findall(r'<link rel="stylesheet" href="/api/policy([^"]+)"', page.text)
    assert (await call("GET", sheet, who=ASKER)).headers["content-type"].startswith("text/css")


async def test_what_may_be_asked_for_is_told_to_programs_and_consoles_too(call: Caller) -> None:
    assert (await call("GET", "/elevations/roles", who=ASKER)).json() == {
        "roles": [{"role": "administrator", "longest": 3600}]
    }
    customer = msgspec.structs.replace(ASKER, roles=("customer",))
    assert (await call("GET", "/elevations/roles", who=customer)).json() == {"roles": []}

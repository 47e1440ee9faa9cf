"""What a push service's answer means, and which subscriptions are taken."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from notifications.web_push.post import LONGEST_WAIT, judge, retry_after
from notifications.web_push.subscription import WrongSubscription, read_subscription
from tests.notifications.web_push.browser import PushBrowser

NOW = 1_790_000_000.0


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        *((status, "taken") for status in (200, 201, 202)),
        *((status, "gone") for status in (404, 410)),
        *((status, "again") for status in (429, 500, 503)),
        *((status, "refused") for status in (302, 400, 401, 403, 413)),
    ],
)
def test_what_a_status_means(status: int, verdict: str) -> None:
    assert judge(status, {}, NOW).verdict == verdict


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        ("", None),
        ("soon", None),
        ("-3", None),
        ("99999999999", LONGEST_WAIT.total_seconds()),
        ("Mon, 21 Sep 2026 14:13:25 GMT", 5),
        ("Mon, 21 Sep 2026 14:13:15 GMT", 0),
    ],
)
def test_how_long_it_wants_to_be_left_alone(value: str, seconds: float | None) -> None:
    assert retry_after(value, NOW) == (timedelta(seconds=seconds) if seconds is not None else None)


def changed(**how: Any) -> str:
    subscription = json.loads(PushBrowser("https://push.example/x").subscription())
    keys = {**subscription["keys"], **how.pop("keys", {})}
    return json.dumps({**subscription, "keys": keys, **how})


def test_a_subscription_is_read_and_never_shown() -> None:
    read = read_subscription(PushBrowser("https://push.example:444/secret").subscription())
    assert read.host == "push.example:444"
    assert "secret" not in repr(read)
    assert len(read.browser_key) == 65
    assert read_subscription(PushBrowser("http://127.0.0.1:9/x").subscription()).host == "127.0.0.1:9"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        changed(endpoint="http://push.example/x"),
        changed(endpoint="https://a:b@push.example/x"),
        changed(endpoint="https:///x"),
        changed(endpoint="ftp://push.example/x"),
        changed(endpoint="https://push.example:99999999/x"),
        changed(endpoint="https://push.example/" + "x" * 2048),
        changed(keys={"auth": "AAAA"}),
        changed(keys={"p256dh": "AAAA"}),
        changed(keys={"p256dh": "?" * 87}),
    ],
)
def test_what_is_no_subscription_is_refused(text: str) -> None:
    with pytest.raises(WrongSubscription):
        read_subscription(text)

"""Labels of browsers and places, from what real browsers send."""

from __future__ import annotations

import pytest

from idp.devices.identification import cookie_hash, label_browser

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)


@pytest.mark.parametrize(
    ("agent", "label"),
    [
        (CHROME, "Chrome · Windows"),
        (CHROME + " Edg/142.0.0.0", "Edge · Windows"),
        (CHROME + " Whale/4.33.325.17", "Whale · Windows"),
        (CHROME + " OPR/124.0.0.0", "Opera · Windows"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/18.5 Safari/605.1.15",
            "Safari · macOS",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/18.5 Mobile/15E148 Safari/604.1",
            "Safari · iPhone",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "CriOS/142.0 Mobile/15E148 Safari/604.1",
            "Chrome · iPhone",
        ),
        (
            "Mozilla/5.0 (Linux; Android 15; SM-S928N) AppleWebKit/537.36 (KHTML, like Gecko) "
            "SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
            "Samsung Internet · Android",
        ),
        (
            "Mozilla/5.0 (Linux; Android 15; SM-S928N) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
            "Chrome/130.0.0.0 Mobile Safari/537.36;KAKAOTALK 2610810",
            "KakaoTalk · Android",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0", "Firefox · Linux"),
        ("curl/8.5.0", ""),
        ("", ""),
    ],
)
def test_browsers_by_their_own_words(agent: str, label: str) -> None:
    assert label_browser({"user-agent": agent}).device == label


def test_client_hints_come_first() -> None:
    headers = {
        "user-agent": CHROME,
        "sec-ch-ua": '"Chromium";v="142", "Brave";v="142", "Not_A Brand";v="99"',
        "sec-ch-ua-platform": '"macOS"',
    }
    assert label_browser(headers).device == "Brave · macOS"
    assert label_browser({**headers, "sec-ch-ua-platform": '"<script>"'}).system == "Windows"


def test_only_cookies_of_our_making_recognise_a_device() -> None:
    assert cookie_hash("A" * 43) is not None
    assert cookie_hash("A" * 43) != cookie_hash("B" * 43)
    for foreign in (None, "", "A" * 42, "A" * 44, "A" * 42 + "!", "A" * 43 + "\n"):
        assert cookie_hash(foreign) is None

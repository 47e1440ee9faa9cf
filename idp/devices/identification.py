"""Which browser this is: named by what it says of itself, recognised by the secret it was given.

What a browser says of itself is a label for people, never a proof; only the cookie's secret recognises a device.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

DEVICE_COOKIE = "__Host-munjigi-device"
DEVICE_COOKIE_AGE = 400 * 86400
"""Seconds; browsers keep no cookie longer (RFC 6265bis, section 5.5)."""

_COOKIE = re.compile(r"[A-Za-z0-9_-]{43}")
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)
_BROWSERS = (  # in this order: each names itself after those whose pages it wants to be served
    ("EdgA?/|EdgiOS/", "Edge"),
    ("Whale/", "Whale"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("KAKAOTALK", "KakaoTalk"),
    ("OPR/", "Opera"),
    ("Firefox/|FxiOS/", "Firefox"),
    ("HeadlessChrome/|Chrome/|CriOS/", "Chrome"),
    ("Version/[0-9.]+.* Safari/", "Safari"),
)
_BRANDS = {
    "Microsoft Edge": "Edge",
    "Google Chrome": "Chrome",
    "Whale": "Whale",
    "Opera": "Opera",
    "Brave": "Brave",
    "Samsung Internet": "Samsung Internet",
}


@dataclass(frozen=True, slots=True)
class BrowserLabel:
    """What a browser says of itself, in words that people know; empty where it says nothing of the kind."""

    browser: str
    system: str

    @property
    def device(self) -> str:
        """How the device is called in lists: "Chrome · Windows"."""
        return " · ".join(part for part in (self.browser, self.system) if part)


def label_browser(headers: Mapping[str, str]) -> BrowserLabel:
    """Name browser and system from client hints (User-Agent Client Hints) where they are sent, else from User-Agent."""
    agent = headers.get("user-agent", "")[:512]
    hinted = headers.get("sec-ch-ua", "")[:512]
    browser = next((name for brand, name in _BRANDS.items() if f'"{brand}"' in hinted), "")
    if not browser:
        browser = next((name for pattern, name in _BROWSERS if re.search(pattern, agent)), "")
    platform = headers.get("sec-ch-ua-platform", "")[:32].strip('"')
    system = platform if platform in dict(_SYSTEMS).values() else ""
    return BrowserLabel(browser, system or next((name for mark, name in _SYSTEMS if mark in agent), ""))


def cookie_hash(cookie: str | None) -> bytes | None:
    """What is kept of a device cookie's value; `None` for one that we did not make."""
    if cookie is None or not _COOKIE.fullmatch(cookie):
        return None
    return hashlib.sha256(b"munjigi-device\0" + cookie.encode()).digest()

"""Which browser on which system sent a request, as far as it says itself (RFC 9110, section 10.1.5).

It tells browsers apart and proves nothing: a cookie that another browser shows than the one that signed in was carried
over, while the same answer says nothing at all. So it may only ever raise the risk. Versions are left out, since they
change beneath a session.
"""

from __future__ import annotations

_BROWSERS = (  # the first that is named; most of them also say Chrome and Safari
    ("Edg", "Edge"), ("OPR/", "Opera"), ("Whale/", "Whale"), ("SamsungBrowser/", "Samsung Internet"),
    ("YaBrowser/", "Yandex"), ("KAKAOTALK", "KakaoTalk"), ("NAVER(", "Naver"), ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"), ("CriOS/", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iOS"), ("iPad", "iOS"), ("Windows", "Windows"), ("CrOS", "ChromeOS"),
    ("Macintosh", "macOS"), ("Linux", "Linux"),
)  # fmt: skip
OTHER = "another client"


def browser_of(user_agent: str) -> str:
    """Such as `Firefox on Linux`; empty where it says nothing at all, `another client` where it is no browser."""
    if not user_agent:
        return ""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    return f"{browser} on {system}" if browser and system else OTHER

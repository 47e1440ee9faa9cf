"""How a request came about, as its browser says: by a person who navigates, or by a program (Fetch Metadata)."""

from __future__ import annotations

from gateway.exchange import RequestHead

SAFE_METHODS = frozenset((b"GET", b"HEAD", b"OPTIONS"))
"""RFC 9110, section 9.2.1; TRACE never comes this far."""

SAME_SITES = (b"same-origin", b"none")
"""Values of Sec-Fetch-Site that tell of a page of the same origin, or of the person alone. No page can forge it; Origin
says less: it is `null` for a form on a page that sends no referrer."""


def is_navigation(head: RequestHead) -> bool:
    """Whether a person waits for a page: then answers are pages and redirects."""
    if head.upgrade:
        return False
    mode = accept = dest = None
    for name, value in head.headers:
        if name == b"sec-fetch-mode":
            mode = value
        elif name == b"sec-fetch-dest":
            dest = value
        elif name == b"accept":
            accept = value
        elif name == b"sec-purpose" and (b"prefetch" in value or b"prerender" in value):
            return False
    if mode is not None:
        return mode == b"navigate" and dest in (None, b"document")
    return head.method == b"GET" and accept is not None and b"text/html" in accept


def is_act(head: RequestHead) -> bool:
    """Whether a person did that navigation, so that the idle clock begins anew (S6).

    A page that loads itself anew, by script or by a refresh, is a navigation too. Where a browser says how a request
    came about it must therefore say that the person did it: a link, a form, the address bar, and the redirects that
    follow on them, which keep the mark. Safari, and with it every browser on iOS, sends all of Fetch Metadata but this
    one field (since 16.4; WebKit bug 247697), so that its silence says nothing: there any navigation counts. Otherwise
    whoever reads page after page would be signed out; as it is, a page may keep a session up to its absolute end.
    """
    if not is_navigation(head):
        return False
    if head.get(b"sec-fetch-user") == b"?1" or head.get(b"sec-fetch-site") is None:
        return True
    agent = head.get(b"user-agent") or b""
    return b"AppleWebKit/" in agent and b"Chrome/" not in agent and b"Chromium/" not in agent


def is_foreign(head: RequestHead, origin: bytes) -> bool:
    """Whether a page of elsewhere than `origin` sent it: a websocket, or a method that changes something.

    `SameSite=Lax` keeps the cookie out of most of these; websockets and old browsers need more (RFC 6455,
    section 10.2).
    """
    if not head.upgrade and head.method in SAFE_METHODS:
        return False
    sent = [value for name, value in head.headers if name == b"origin"]
    if head.upgrade:
        return sent != [origin]
    site = head.get(b"sec-fetch-site")
    if site is not None:
        return site not in SAME_SITES
    return bool(sent) and sent != [origin]

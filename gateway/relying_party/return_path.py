"""Where somebody is led back to after signing in: a path on the same host, which no browser reads otherwise."""

from __future__ import annotations

import re

HOME = "/"
DONE = "/.munjigi/done"
"""Where a sign-in in another tab ends, for a page that waits for it: the one own page that may be come back to."""
LIMIT = 2048
_BARE = re.compile(r"[\"<>\\^`{|}]")
"""What many write into a query as it is, and the gateway lets through there, though RFC 3986 has it encoded."""
_SOUND = re.compile(r"/(?![/\\])[!#$%&'()*+,\-./0-9:;=?@A-Z_a-z~\[\]]*")
"""One slash that no second one and no backslash follows, then printable ASCII without backslash, quote or space: so no
`//host`, `/\\host`, `/\\t/host`, no scheme, no user information (proxy checklist, "Redirects")."""


def return_path(wanted: str | None) -> str:
    """The path if it is sound, else the home page. What stands bare in its query comes back percent-encoded."""
    return sound_path(wanted) or HOME


def sound_path(wanted: str | None) -> str | None:
    """The path; None where it is not sound.

    The gateway's own pages are no place to come back to: that could go round in circles.
    """
    if wanted is None or wanted == DONE:
        return wanted
    path, mark, query = wanted.partition("?")
    wanted = path + mark + _BARE.sub(lambda bare: f"%{ord(bare[0]):02X}", query)
    if len(wanted) > LIMIT or not _SOUND.fullmatch(wanted):
        return None
    path = path.partition("#")[0]
    segments = path.split("/")
    if ".." in segments or "." in segments or segments[1] == ".munjigi" or "//" in path:
        return None
    if re.search(r"%(2e|2f|5c|0[0-9a-f]|1[0-9a-f]|7f|25)", path, re.IGNORECASE):
        return None
    return wanted

"""The sign-ins that a browser began: a cookie for each, with the secret by which it is finished, and where it leads.

One for each, and not one for all: tabs that are restored at once begin theirs before any of them was answered, and a
shared cookie would be of the tab that was answered last. A sign-in is taken once and not for long, and then nothing is
left of it here. By its cookie one that comes back stale, or a second time, begins anew towards the same page instead of
failing; so often, and no more.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

import msgspec

from gateway.inbound.credentials import SIGN_IN_COOKIE
from gateway.relying_party.return_path import HOME, return_path

LIFETIME = 12 * 3600
"""Seconds: a tab with an old sign-in page may stay open for a day's work."""
USED_FOR = 60
"""Seconds for which a finished one is still known: whoever clicks twice, or reloads, is led to the same page."""
RESTARTS = 2
"""How often a sign-in begins anew by itself, until its person is asked."""
REMEMBERED = 6
RETURN_TO_LIMIT = 1024
SIZE_LIMIT = 6000
"""Bytes of all of them together, names included, which a browser sends with each request; as many sign-ins as a browser
begins at one moment may come on top, and still a request's head is far from its bound."""
_PREFIX = SIGN_IN_COOKIE.decode() + "-"


class Way(msgspec.Struct, frozen=True, array_like=True):
    """One sign-in under way."""

    secret: str
    """Whoever shows it began this sign-in; empty once it was finished."""
    begun: int
    """Epoch seconds."""
    return_to: str
    acr: str | None = None
    max_age: int | None = None
    restarts: int = 0
    """How often it began anew by itself before."""

    def __repr__(self) -> str:
        return f"Way([secret], return_to={self.return_to!r})"

    def address(self, *, restarted: bool = False) -> str:
        """Where it begins anew."""
        wanted = {
            "return_to": return_path(self.return_to),
            **({"acr_values": self.acr} if self.acr else {}),
            **({"max_age": str(self.max_age)} if self.max_age is not None else {}),
            **({"again": str(self.restarts + 1)} if restarted else {}),
        }
        return f"/.munjigi/sign-in?{urlencode(wanted)}"


def cookie_name(state: str) -> str:
    """The cookie of a state; the state itself would be of use to whoever reads it."""
    digest = hashlib.sha256(b"munjigi-way\0" + state.encode("utf-8", "surrogatepass"))
    return _PREFIX + digest.hexdigest()[:16]


def write(way: Way) -> str:
    """The value of its cookie. A page with a very long address is not remembered there."""
    if len(way.return_to) > RETURN_TO_LIMIT:
        way = msgspec.structs.replace(way, return_to=HOME)
    return base64.urlsafe_b64encode(msgspec.json.encode(way)).decode()


def find(cookies: Mapping[str, str], state: str) -> Way | None:
    """The one of a state; None where this browser did not begin it, or too long ago."""
    return _read(cookies.get(cookie_name(state), ""))


def names(cookies: Mapping[str, str]) -> list[str]:
    """The cookies of all sign-ins of this browser."""
    return [name for name in cookies if name.startswith(_PREFIX)]


def surplus(cookies: Mapping[str, str]) -> list[str]:
    """The cookies that make room for one more: what cannot be read, then what was begun longest ago."""
    return list(_surplus({name: cookies[name] for name in names(cookies)}))


def _surplus(cookies: Mapping[str, str]) -> Iterator[str]:
    size = 0
    newest = sorted(cookies, key=lambda name: _begun(cookies[name]), reverse=True)
    for kept, name in enumerate(newest, start=1):
        size += len(name) + len(cookies[name])
        if kept >= REMEMBERED or size > SIZE_LIMIT or _begun(cookies[name]) == 0:
            yield name


def _begun(value: str) -> int:
    way = _read(value)
    return 0 if way is None else way.begun


def _read(value: str) -> Way | None:
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(value), type=Way)
    except (msgspec.MsgspecError, binascii.Error, ValueError):
        return None

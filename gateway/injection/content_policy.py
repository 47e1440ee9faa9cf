"""A page's policy, changed so far that the session's script runs, and no further (Content Security Policy Level 3).

A source that is bound to a path lets in our files alone. Where `'strict-dynamic'` takes no notice of those, a nonce of
this one answer is added instead; never beside `'unsafe-inline'` alone, which a nonce would switch off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

_SCRIPT = (b"script-src-elem", b"script-src", b"default-src")
_CONNECT = (b"connect-src", b"default-src")


def opened(policy: bytes, *, scripts: Sequence[bytes], room: bytes, nonce: bytes) -> bytes:
    """The value of one header field, which may hold several policies.

    `scripts` are the addresses of the script's modules, `room` is that of the folder which they speak to.
    """
    return b", ".join(_one(part, scripts, room, nonce) for part in policy.split(b","))


def forbids_scripts(policy: bytes) -> bool:
    """Whether some policy shuts the page into a sandbox without scripts: then nothing is put into it."""
    return any(
        words[:1] == [b"sandbox"] and b"allow-scripts" not in words
        for part in policy.split(b",")
        for words in (directive.lower().split() for directive in part.split(b";"))
    )


def _one(policy: bytes, scripts: Sequence[bytes], room: bytes, nonce: bytes) -> bytes:
    directives = [directive.split() for directive in policy.split(b";") if directive.strip()]
    _allow(directives, _SCRIPT, lambda sources: _script_sources(sources, scripts, nonce))
    _allow(directives, _CONNECT, lambda sources: () if _has(sources, b"'self'", b"*") else (room,))
    return b"; ".join(b" ".join(words) for words in directives)


def _allow(
    directives: list[list[bytes]], names: tuple[bytes, ...], missing: Callable[[list[bytes]], Sequence[bytes]]
) -> None:
    """Add sources to the directive that speaks of them; of several of one name the first counts (section 2.2.1)."""
    found = next((words for name in names for words in directives if words[0].lower() == name), None)
    if found is None or not (more := missing(found[1:])):
        return
    sources = [word for word in found[1:] if word.lower() != b"'none'"]
    if found[0].lower() == b"default-src":  # what falls back to it must not get ours, too
        directives.append([names[-2], *sources, *more])
    else:
        found[1:] = [*sources, *more]


def _script_sources(sources: list[bytes], scripts: Sequence[bytes], nonce: bytes) -> Sequence[bytes]:
    if _has(sources, b"'strict-dynamic'"):
        return (b"'nonce-" + nonce + b"'",)  # what a script that has it loads runs, too
    return () if _has(sources, b"'self'", b"*") else scripts


def _has(sources: list[bytes], *wanted: bytes) -> bool:
    return any(source.lower() in wanted for source in sources)

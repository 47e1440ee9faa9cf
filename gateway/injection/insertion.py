"""Where a script goes into a page: behind `<head>`, or before the first thing beyond the prologue (HTML, section 13).

There it runs whatever follows: no `<base>` has moved its address yet, and no `<meta>` policy speaks of it. Only ASCII
bytes are looked at, and only between tags, so no character of any encoding in which they mean themselves is cut.
"""

from __future__ import annotations

import re

LOOK = 64 * 1024
"""Bytes in which the place must be found; a page without one stays as it is."""

_BLANK = b"\t\n\f\r "
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_TAG = re.compile(rb"<(/?)([A-Za-z][^\t\n\f\r />]*)")
_ATTRIBUTES = re.compile(rb"""(?:[^=>]|=[\t\n\f\r ]*(?:"[^"]*"|'[^']*'|(?=[^"'\t\n\f\r ])))*+>""")
"""The rest of a tag: a quote opens a value behind `=` alone, and in there `>` means itself."""
_OF_UTF_16 = (b"\xfe", b"\xff")


class Insertion:
    """One page, piece by piece."""

    def __init__(self, script: bytes) -> None:
        self._script = script
        self._held = b""
        self._done = False

    def feed(self, data: bytes) -> bytes:
        """What can be passed on after this piece."""
        if self._done:
            return data
        self._held += data
        if self._held[:1] in _OF_UTF_16:
            return self._release(None)
        at = _place(self._held)
        if at is None and len(self._held) < LOOK:
            return b""
        return self._release(at)

    def finish(self) -> bytes:
        """What is left once the page is complete."""
        return self._release(None)

    def _release(self, at: int | None) -> bytes:
        held, self._held, self._done = self._held, b"", True
        return held if at is None else held[:at] + self._script + held[at:]


def _place(page: bytes) -> int | None:
    """Where in the beginning of a page the script goes; None: that cannot be told yet."""
    if len(page) < len(_BYTE_ORDER_MARK) and _BYTE_ORDER_MARK.startswith(page):
        return None
    at = len(_BYTE_ORDER_MARK) if page.startswith(_BYTE_ORDER_MARK) else 0
    while True:
        while at < len(page) and page[at] in _BLANK:
            at += 1
        if at == len(page):
            return None
        end = _prologue(page, at)
        if end is None:
            return at
        if end < 0:
            return None
        if _name(page, at) == b"head":
            return end
        at = end


def _prologue(page: bytes, at: int) -> int | None:
    """Where what stands at `at` ends, if it is a doctype, a comment, `<html>` or `<head>`; -1: it has not ended yet.

    None: it is something else.
    """
    begin = page[at : at + 4]
    if b"<!--".startswith(begin) and len(begin) < 4:
        return -1
    if begin == b"<!--":
        if page[at + 4 : at + 5] == b">" or page[at + 4 : at + 6] == b"->":  # abrupt closing of an empty comment
            return page.index(b">", at) + 1
        return _after(page, b"-->", at + 4)
    if begin[:2] in (b"<!", b"<?"):
        return _after(page, b">", at)
    found = _TAG.match(page, at)
    if found is None or found[1]:
        return -1 if page[at:] in (b"<", b"</") else None
    if found.end() == len(page):
        return -1  # its name may go on
    if found[2].lower() not in (b"html", b"head"):
        return None
    attributes = _ATTRIBUTES.match(page, found.end())
    return -1 if attributes is None else attributes.end()


def _name(page: bytes, at: int) -> bytes:
    found = _TAG.match(page, at)
    return b"" if found is None else found[2].lower()


def _after(page: bytes, mark: bytes, at: int) -> int:
    found = page.find(mark, at)
    return -1 if found < 0 else found + len(mark)

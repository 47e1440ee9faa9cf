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
_UNQUOTED = re.compile(rb"""(?:[^=>]+|=[\t\n\f\r ]*(?=[^"'\t\n\f\r ]))*""")
_QUOTED = re.compile(rb"""=[\t\n\f\r ]*(["'])""")
"""In a tag: a quote opens a value behind `=` alone, and in there `>` means itself."""
_OF_UTF_16 = (b"\xfe", b"\xff")


class Insertion:
    """One page, piece by piece. What was looked at is not looked at again, however small the pieces are."""

    def __init__(self, script: bytes) -> None:
        self._script = script
        self._held = bytearray()
        self._at = 0
        """Where the thing begins that is not complete yet."""
        self._seen = 0
        """How far it is known not to end."""
        self._valued = 0
        """The same of a value in quotes within it."""
        self._done = False

    def feed(self, data: bytes) -> bytes:
        """What can be passed on after this piece."""
        if self._done:
            return data
        self._held += data
        if self._held[:1] in _OF_UTF_16:
            return self._release(None)
        found = self._place()
        if found is None and len(self._held) < LOOK:
            return b""
        return self._release(found)

    def finish(self) -> bytes:
        """What is left once the page is complete."""
        return self._release(None)

    def _release(self, found: int | None) -> bytes:
        held, self._held, self._done = bytes(self._held), bytearray(), True
        return held if found is None else held[:found] + self._script + held[found:]

    def _place(self) -> int | None:
        """Where in the beginning of a page the script goes; None: that cannot be told yet."""
        page = self._held
        if self._at == 0:
            if len(page) < len(_BYTE_ORDER_MARK) and _BYTE_ORDER_MARK.startswith(page):
                return None
            if page.startswith(_BYTE_ORDER_MARK):
                self._at = len(_BYTE_ORDER_MARK)
        while True:
            while self._at < len(page) and page[self._at] in _BLANK:
                self._at += 1
            if self._at == len(page):
                return None
            end = self._end()
            if end is None:
                return self._at
            if end < 0:
                return None
            if _name(page, self._at) == b"head":
                return end
            self._at, self._seen = end, 0

    def _end(self) -> int | None:
        """Where what stands at `_at` ends, if it is a doctype, a comment, `<html>` or `<head>`; -1: not ended yet.

        None: it is something else.
        """
        page, at = self._held, self._at
        begin = bytes(page[at : at + 4])
        if b"<!--".startswith(begin) and len(begin) < 4:
            return -1
        if begin == b"<!--":
            if page[at + 4 : at + 5] == b">" or page[at + 4 : at + 6] == b"->":  # abrupt closing of an empty comment
                return page.index(b">", at) + 1
            return self._after(b"-->", at + 4)
        if begin[:2] in (b"<!", b"<?"):
            return self._after(b">", at)
        found = _TAG.match(page, at)
        if found is None or found[1]:
            return -1 if bytes(page[at:]) in (b"<", b"</") else None
        if found.end() == len(page):
            return -1  # its name may go on
        if found[2].lower() not in (b"html", b"head"):
            return None
        return self._end_of_tag(found.end())

    def _end_of_tag(self, begin: int) -> int:
        page = self._held
        self._seen = max(begin, self._seen)
        while True:
            if (unquoted := _UNQUOTED.match(page, self._seen)) is not None:
                self._seen = unquoted.end()
            value = _QUOTED.match(page, self._seen)
            if value is None:
                return self._seen + 1 if page[self._seen : self._seen + 1] == b">" else -1
            closed = page.find(value[1], max(value.end(), self._valued))
            if closed < 0:
                self._valued = len(page)
                return -1
            self._seen = closed + 1

    def _after(self, mark: bytes, begin: int) -> int:
        found = self._held.find(mark, max(begin, self._seen))
        if found < 0:
            self._seen = len(self._held) - len(mark) + 1
            return -1
        return found + len(mark)


def _name(page: bytearray, at: int) -> bytes:
    found = _TAG.match(page, at)
    return b"" if found is None else found[2].lower()

"""A JSON object that is too large for memory, read by its members; of one of them, an array, each element by itself."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

CHUNK = 256 * 1024
"""Bytes that are read at once."""
LONGEST_ELEMENT = 4 * 1024 * 1024
"""Characters of one element."""
LONGEST_MEMBER = 64 * 1024 * 1024
"""Characters of one of the members that are read only to get past them."""
_BLANKS = " \t\r\n"


class NotJson(Exception):
    """The file is no such JSON; `line` says from where on."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line


def elements(file: BinaryIO, member: str) -> Iterator[tuple[int, Any]]:
    """Each element of the array `member` of the object in a file, with the line where it begins. Raises `NotJson`."""
    text = _Text(file)
    if text.peek() != "{":
        raise NotJson(text.line, "a JSON object is expected")
    text.skip(1)
    while text.peek() != "}":
        name = text.value(LONGEST_ELEMENT)
        text.expect(":")
        if name == member and text.peek() == "[":
            text.skip(1)
            yield from _array(text)
        else:
            text.value(LONGEST_MEMBER)
        if text.peek() != "}":
            text.expect(",")


def _array(text: _Text) -> Iterator[tuple[int, Any]]:
    while text.peek() != "]":
        line = text.line
        yield line, text.value(LONGEST_ELEMENT)
        if text.peek() != "]":
            text.expect(",")
    text.skip(1)


class _Text:
    """The part of the file that is in memory, and where in it we are."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._value = json.JSONDecoder(strict=False).raw_decode
        self._text = ""
        self._at = 0
        self._line = 1
        self._ended = False

    @property
    def line(self) -> int:
        """Where we are, counted from 1."""
        return self._line

    def peek(self) -> str:
        """The next character that is no blank. Raises `NotJson` at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _BLANKS:
                self.skip(1)
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                raise NotJson(self._line, "the file ends too early")

    def skip(self, characters: int) -> None:
        """Go on."""
        to = self._at + characters
        self._line += self._text.count("\n", self._at, to)
        self._at = to

    def expect(self, character: str) -> None:
        """Raises `NotJson` where another one stands."""
        if self.peek() != character:
            raise NotJson(self._line, f"a {character} is expected")
        self.skip(1)

    def value(self, longest: int) -> Any:
        """The value that begins here. Raises `NotJson`."""
        self.peek()
        while True:
            try:
                found, end = self._value(self._text, self._at)
            except (ValueError, RecursionError) as error:
                # cut off, or wrong: only more of it tells; twice as much each time, since it is read from its beginning
                if len(self._text) - self._at > longest or not self._more(len(self._text) - self._at):
                    raise NotJson(self._line, "what begins here is no JSON, or too long") from error
                continue
            if end < len(self._text) or not self._more():  # of a number more digits may come
                self.skip(end - self._at)
                return found

    def _more(self, least: int = 0) -> bool:
        if self._ended:
            return False
        content = self._file.read(max(CHUNK, least))
        self._ended = not content
        try:
            self._text = self._text[self._at :] + self._decode(content, final=not content)
        except UnicodeDecodeError as error:
            raise NotJson(self._line, "it is not UTF-8") from error
        self._at = 0
        return True

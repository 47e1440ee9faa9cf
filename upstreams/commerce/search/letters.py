"""Words as they are searched: Korean syllables taken apart into the letters that are typed (jamo), without accents.

Two words that differ by one keystroke differ by one letter here: `녹챠` is near `녹차`, though one of two syllables is
another. `ㄴㅊ` finds `녹차` by the consonants that its syllables begin with.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

MAX_WORD = 40
"""Characters; what is longer is cut, it is no word that somebody types."""
_FIRST = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_MIDDLE = (
    *("ㅏ", "ㅐ", "ㅑ", "ㅒ", "ㅓ", "ㅔ", "ㅕ", "ㅖ", "ㅗ", "ㅗㅏ", "ㅗㅐ", "ㅗㅣ", "ㅛ", "ㅜ", "ㅜㅓ"),
    *("ㅜㅔ", "ㅜㅣ", "ㅠ", "ㅡ", "ㅡㅣ", "ㅣ"),
)
_LAST = (
    *("", "ㄱ", "ㄲ", "ㄱㅅ", "ㄴ", "ㄴㅈ", "ㄴㅎ", "ㄷ", "ㄹ", "ㄹㄱ", "ㄹㅁ", "ㄹㅂ", "ㄹㅅ", "ㄹㅌ"),
    *("ㄹㅍ", "ㄹㅎ", "ㅁ", "ㅂ", "ㅂㅅ", "ㅅ", "ㅆ", "ㅇ", "ㅈ", "ㅊ", "ㅋ", "ㅌ", "ㅍ", "ㅎ"),
)
_SYLLABLES = range(0xAC00, 0xD7A4)
_WORD = re.compile(r"[0-9a-z\u3131-\u318e\uac00-\ud7a3\u3040-\u30ff\u4e00-\u9fff]+")
_CLUSTERS = dict(
    zip(
        "ㅘㅙㅚㅝㅞㅟㅢㄳㄵㄶㄺㄻㄼㄽㄾㄿㅀㅄ",
        (
            *("ㅗㅏ", "ㅗㅐ", "ㅗㅣ", "ㅜㅓ", "ㅜㅔ", "ㅜㅣ", "ㅡㅣ"),
            *("ㄱㅅ", "ㄴㅈ", "ㄴㅎ", "ㄹㄱ", "ㄹㅁ", "ㄹㅂ", "ㄹㅅ", "ㄹㅌ", "ㄹㅍ", "ㄹㅎ", "ㅂㅅ"),
        ),
        strict=True,
    )
)


def words_of(text: str) -> list[str]:
    """The words of a text, in its order: folded, without accents, Korean in whole syllables."""
    plain = "".join(map(_plain, unicodedata.normalize("NFC", text))).casefold()
    return [found[:MAX_WORD] for found in _WORD.findall(plain)]


def _plain(character: str) -> str:
    if character.isascii() or "\u3040" <= character <= "\ud7a3":
        return character  # letters that are typed alone (ㅅㅁ) stay as they are: NFKC would make others of them
    parts = unicodedata.normalize("NFKD", character)
    return unicodedata.normalize("NFC", "".join(part for part in parts if not unicodedata.combining(part)))


def letters_of(word: str) -> str:
    """The letters of a word as they are typed, a syllable being two to five of them."""
    return "".join(map(_letters, word))


def _letters(character: str) -> str:
    if ord(character) in _SYLLABLES:
        place = ord(character) - _SYLLABLES.start
        return _FIRST[place // 588] + _MIDDLE[place % 588 // 28] + _LAST[place % 28]
    return _CLUSTERS.get(character, character)


def initials_of(word: str) -> str:
    """The first consonants of a word's syllables: `선물` is `ㅅㅁ`; of a word that is not Korean, nothing."""
    return "".join(_FIRST[(ord(one) - _SYLLABLES.start) // 588] for one in word if ord(one) in _SYLLABLES)


def is_initials(word: str) -> bool:
    """Whether a word is typed by first consonants alone."""
    return len(word) > 1 and all(one in _FIRST for one in word)


def grams_of(letters: str) -> list[str]:
    """The pieces of three letters in a word with its ends, each once: what words that are alike have in common."""
    ends = f"^{letters}$"
    return sorted({ends[at : at + 3] for at in range(len(ends) - 2)}) if len(ends) > 2 else [ends]


def inner_grams_of(letters: str) -> list[str]:
    """Those without the ends: every word that has these letters in its middle has them too."""
    return sorted({letters[at : at + 3] for at in range(len(letters) - 2)})


def distance(one: str, other: str, most: int) -> int:
    """How many keystrokes lie between two words: a letter more, less, another, or two that changed places (Damerau's
    restricted distance). What is more than `most` is answered as `most + 1`, without counting further."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before, above = [0] * (len(other) + 1), list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        line = [row]
        for column, against in enumerate(other, 1):
            cost = min(above[column] + 1, line[-1] + 1, above[column - 1] + (letter != against))
            if row > 1 < column and letter == other[column - 2] and one[row - 2] == against:
                cost = min(cost, before[column - 2] + 1)
            line.append(cost)
        if min(line) > most:
            return most + 1
        before, above = above, line
    return above[-1]


def forgiven(letters: str) -> int:
    """How many wrong keystrokes are forgiven in a word of these letters: none in the shortest, two in long ones."""
    return 0 if len(letters) < 4 else 1 if len(letters) < 9 else 2


def nearest(letters: str, known: Iterable[tuple[str, str, int]], *, limit: int = 8) -> list[str]:
    """Of known words (word, its letters, in how many documents) those that may be meant, the nearest first."""
    most = forgiven(letters)
    found = []
    for word, its, documents in known:
        away = distance(letters, its, most)
        # the end may be still to come: `녹ㅊ` on the way to `녹차`
        if away > most and len(its) > len(letters):
            away = distance(letters, its[: len(letters)], most)
        if away <= most:
            found.append((away, -documents, word))
    return [word for _, _, word in sorted(found)[:limit]]

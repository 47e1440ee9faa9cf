"""All schemes that are taken, and which of them a hash is of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from idp.credentials.legacy_hashes import by_libpass, digests, memory_hard, pbkdf2
from idp.credentials.legacy_hashes.scheme import LONGEST, NotAHash, Scheme, Split

SCHEMES: Sequence[Scheme] = (
    *memory_hard.SCHEMES,
    *pbkdf2.SCHEMES,
    *digests.SCHEMES,
    *by_libpass.SCHEMES,
)
BY_NAME: Mapping[str, Scheme] = MappingProxyType({scheme.name: scheme for scheme in SCHEMES})


class Recogniser:
    """Tells what a hash is; of many it tries the scheme of the last one first, since a file mostly has one."""

    def __init__(self, named: str | None = None) -> None:
        """`named`: the scheme of every hash. Raises `KeyError` for one that is not taken."""
        self._tried = [BY_NAME[named]] if named else [scheme for scheme in SCHEMES if not scheme.named_only]

    def recognise(self, text: str) -> tuple[Scheme, Split]:
        """The scheme of a hash, and the hash in two. Raises `NotAHash`, with words that hold nothing of the hash."""
        if len(text) <= LONGEST:
            for place, scheme in enumerate(self._tried):
                split = scheme.split(text)
                if split is None:
                    continue
                if place:
                    self._tried.insert(0, self._tried.pop(place))
                return scheme, split
        only = f"no hash of {self._tried[0].name}" if len(self._tried) == 1 else "a hash of no scheme that is known"
        raise NotAHash(only)

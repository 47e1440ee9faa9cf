"""Makes `docs/reference/password-hashes.md` of the schemes and of the known hashes of their tests.

By `python -m tests.docs.hash_table`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from idp.credentials.legacy_hashes.catalogue import SCHEMES
from tests.idp.credentials.known_hashes import known_hashes

PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "password-hashes.md"
_HEAD: Final = """# Hashes of other systems

Made by `python -m tests.docs.hash_table` of the schemes and of the known hashes that `make test` compares, as they came
and wrapped. A hash that is at least as strong as the fourth column says is kept as it came; every other one is wrapped
in argon2id before it is stored. Both become today's argon2id when their person signs in
([Import people](../how-to/import-people.md)). *Say it*: its hashes look like those of others, so that `--scheme NAME`
must name it, for all of a file. What comes after the 72nd byte of a password never counted for bcrypt, and does not
here.

| name | of | say it | kept from | known hashes, and whose | an example |
| --- | --- | --- | --- | --- | --- |
"""
_LONGEST = 64


def page() -> str:
    """The page as it should be."""
    lines = []
    for scheme in sorted(SCHEMES, key=lambda scheme: scheme.name):
        known = [one for one in known_hashes() if one.scheme == scheme.name]
        sources = "; ".join(dict.fromkeys(one.source for one in known))
        example = known[0].hash
        shown = example if len(example) <= _LONGEST else example[: _LONGEST - 1] + "…"
        cells = (f"`{scheme.name}`", scheme.of, "yes" if scheme.named_only else "", scheme.kept_if,
                 f"{len(known)}: {sources}", f"`{shown}`")  # fmt: skip
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n")
    return _HEAD + "".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

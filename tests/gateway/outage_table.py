"""Makes `docs/reference/outages.md` of `outages.toml`, by `python -m tests.gateway.outage_table`.

`test_outages.py` holds each row against the real product in processes of its own.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "outages.md"
MANNERS = {"strict": "`strict`", "read_only": "`read_only`", "grace": "`grace N`, within its N seconds"}
_HEAD = """# What goes on while something is away

Made by `python -m tests.gateway.outage_table` of `tests/gateway/outages.toml`, which `tests/gateway/test_outages.py`
holds against the product: its own processes and engines, each killed (`kill -9`) and started again. A zone says in the
[route table](../how-to/put-a-service-behind-the-gateway.md) what it does while nobody vouches for sessions
(`store_away`), and for how long it takes tokens that expired while the identity provider is away (`expired_tokens`).

A person who is refused sees a page in their language that says what is the matter, that nothing is lost, and has a
button to try again; a program gets the same [code](errors.md) as a problem. Both are told `Retry-After`. A websocket
is closed by 4401 and the reason; an event stream or a download is cut. After `N` seconds a zone with grace does as a
strict one. Everything comes back by itself: no process of ours is restarted, and nobody has to sign in again.

| away | zone | reads | writes | standing websockets | new websockets | new sign-ins |
| --- | --- | --- | --- | --- | --- | --- |
"""


class Zone(msgspec.Struct, forbid_unknown_fields=True):
    """What one of a manner does meanwhile."""

    read: str
    write: str
    standing: str
    opening: str


class Outage(msgspec.Struct, forbid_unknown_fields=True):
    """Something that is away."""

    name: str
    what: str
    zones: dict[str, Zone]
    sign_in: str
    seen: str
    back: str
    kills: list[str] = []
    fills_disk: bool = False
    token_lifetime: int = 300


def outages() -> list[Outage]:
    """All that are tried."""
    said = tomllib.loads(Path(__file__).with_name("outages.toml").read_text(encoding="utf-8"))
    return msgspec.convert(said["outage"], list[Outage])


def page() -> str:
    """The page as it should be."""
    rows, notes = [], []
    for outage in outages():
        for manner, title in MANNERS.items():
            zone = outage.zones[manner]
            cells = (outage.what, title, zone.read, zone.write, zone.standing, zone.opening, outage.sign_in)
            rows.append(f"| {' | '.join(cells)} |\n")
        notes.append(f"**{outage.what}.** {outage.seen} *When it is back:* {outage.back}\n")
    return _HEAD + "".join(rows) + "\n" + "\n".join(notes)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

"""Where a request comes from is what the connection shows; whoever else says so is believed by name alone."""

from __future__ import annotations

from collections.abc import Callable

from tests.proxy_suite.origin import Arrived
from tests.proxy_suite.strict import plain
from tests.proxy_suite.trial import GET, Case, Failed, Row, Trial, require

_EVIL = b"203.0.113.66"
_SPOOFED = {
    "X-Forwarded-For": _EVIL,
    "X-Forwarded-Host": b"evil-203.0.113.66.example",
    "X-Forwarded-Proto": b"evil-203.0.113.66",
    "X-Forwarded-Port": b"4443-203.0.113.66",
    "X-Forwarded-Server": b"evil-203.0.113.66.example",
    "X-Forwarded-Prefix": b"/evil-203.0.113.66",
    "X-Forwarded-Uri": b"/evil-203.0.113.66",
    "X-Forwarded-Method": b"EVIL-203.0.113.66",
    "X-Forwarded-User": b"evil-203.0.113.66",
    "X-Forwarded-Scheme": b"evil-203.0.113.66",
    "X-Forwarded-Client-Cert": b"By=203.0.113.66",
    "Forwarded": b"for=203.0.113.66;host=evil.example;proto=https",
    "X-Real-IP": _EVIL,
    "X-Client-IP": _EVIL,
    "True-Client-IP": _EVIL,
    "CF-Connecting-IP": _EVIL,
    "X-Cluster-Client-IP": _EVIL,
    "X-Original-URL": b"/evil-203.0.113.66",
    "X-Rewrite-URL": b"/evil-203.0.113.66",
    "X-Original-Host": b"evil-203.0.113.66",
    "X-HTTP-Method-Override": b"EVIL-203.0.113.66",
    "Client-Cert": b":203.0.113.66:",
}


async def _spoofed(trial: Trial, alias: Callable[[str], str]) -> None:
    lines = b"".join(b"%b: %b\r\n" % (alias(name).encode(), value) for name, value in _SPOOFED.items())
    await trial.one(GET + lines + b"\r\n")
    arrived = trial.arrived()
    trial.unambiguous(arrived, 1)
    _unspoofed(arrived)


def _unspoofed(arrived: list[Arrived]) -> None:
    told = {plain(name) for one in arrived if one.head is not None for name, value in one.head.fields if _EVIL in value}
    if told:
        raise Failed(f"the origin was told {b', '.join(sorted(told)).decode()}")


async def _one_by_one(trial: Trial, name: str) -> None:
    heard = await trial.one(GET + b"%b: %b\r\n\r\n" % (name.encode(), _SPOOFED[name]))
    require(heard.statuses != [], "no answer")
    _unspoofed(trial.arrived())


def _single(name: str) -> Case:
    return Case(f"`{name}` of a stranger", lambda trial: _one_by_one(trial, name))


def _address(trial: Trial) -> bytes:
    arrived = trial.arrived()
    require(len(arrived) == 1, f"{len(arrived)} requests arrived")
    values = b",".join(arrived[0].values(trial.target.address_header))
    return values.rpartition(b",")[2].strip()


async def _seen(trial: Trial) -> None:
    await trial.one(GET + b"X-Forwarded-For: 203.0.113.66\r\nX-Forwarded-For: 203.0.113.67\r\n\r\n")
    require(_address(trial) == b"127.0.0.1", f"the origin was told {_address(trial)!r}")


async def _trusted(trial: Trial, lines: bytes, told: bytes) -> None:
    await trial.one(GET + lines + b"\r\n", source=trial.target.trusted_source)
    require(_address(trial) == told, f"the origin was told {_address(trial)!r} instead of {told!r}")


def _peer(name: str, lines: bytes, told: bytes) -> Case:
    return Case(f"a trusted peer: {name}", lambda trial: _trusted(trial, lines, told), "trusted_source")


async def _garbage(trial: Trial) -> None:
    """What is no address ends the walk, and is told to nobody."""
    for number, odd in enumerate((b"evil", b"203.0.113.66'--", b"<script>", b"203.0.113", b"unknown", b"_hidden")):
        await trial.one(
            GET.replace(b"first", b"%d" % number) + b"X-Forwarded-For: " + odd + b"\r\n\r\n",
            source=trial.target.trusted_source,
        )
    for one in trial.arrived():
        value = b",".join(one.values(trial.target.address_header)).rpartition(b",")[2].strip()
        require(value in (trial.target.trusted_source.encode(), b""), f"the origin was told {value!r}")


async def _without_connection(trial: Trial) -> None:
    """`Connection: x-forwarded-for` would hide the client's address from the origin."""
    await trial.one(GET + b"Connection: x-forwarded-for, x-real-ip, forwarded\r\nX-Forwarded-For: 203.0.113.66\r\n\r\n")
    _unspoofed(trial.arrived())
    require(_address(trial) == b"127.0.0.1", f"the origin was told {_address(trial)!r}")


ROW = Row(
    "X-Forwarded-*, Forwarded",
    "Believed of named peers alone, of nobody by default; IPv4-mapped IPv6 is IPv4.",
    ("oauth2-proxy CVE-2026-40575", "oauth2-proxy CVE-2026-76835", "Traefik CVE-2026-35051", "Traefik CVE-2026-39858",
     "authentik CVE-2023-36456", "authentik CVE-2024-47070", "Traefik GO-2024-2917"),
    (
        *(_single(name) for name in _SPOOFED),
        Case("all of them in other case", lambda trial: _spoofed(trial, str.swapcase)),
        Case("all of them with `_`", lambda trial: _spoofed(trial, lambda name: name.replace("-", "_"))),
        Case("all of them with `.`", lambda trial: _spoofed(trial, lambda name: name.replace("-", "."))),
        Case("the origin is told the connection's address", _seen),
        Case("named by Connection, the address is told all the same", _without_connection),
        _peer("the address before it", b"X-Forwarded-For: 203.0.113.7\r\n", b"203.0.113.7"),
        _peer("what its client made up does not count",
              b"X-Forwarded-For: 203.0.113.66, 203.0.113.7\r\n", b"203.0.113.7"),
        _peer("several lines are one list",
              b"X-Forwarded-For: 203.0.113.66\r\nX-Forwarded-For: 203.0.113.7\r\n", b"203.0.113.7"),
        _peer("IPv4-mapped IPv6", b"X-Forwarded-For: ::ffff:203.0.113.7\r\n", b"203.0.113.7"),
        _peer("an IPv6 address", b"X-Forwarded-For: 2001:db8::7\r\n", b"2001:db8::7"),
        Case("a trusted peer: what is no address", _garbage, "trusted_source"),
    ),
)  # fmt: skip

"""Who asks is told by the gateway alone: what clients send under those names, or others like them, is gone."""

from __future__ import annotations

from collections.abc import Callable

from tests.proxy_suite.origin import says
from tests.proxy_suite.strict import plain
from tests.proxy_suite.trial import GET, Case, Failed, Row, Trial, require

_FORGED = b"forged-by-the-client"

ALIASES: dict[str, Callable[[str], str]] = {
    "by its own name": lambda name: name,
    "in lower case": str.lower,
    "in capitals": str.upper,
    "in alternating case": lambda name: "".join(
        letter.upper() if place % 2 else letter.lower() for place, letter in enumerate(name)
    ),
    "with `_`": lambda name: name.replace("-", "_"),
    "with `.`": lambda name: name.replace("-", "."),
    "with `_` once": lambda name: name.replace("-", "_", 1),
    "with `_`, in capitals": lambda name: name.replace("-", "_").upper(),
}


async def _forged(trial: Trial, alias: Callable[[str], str]) -> None:
    for number, name in enumerate(trial.target.identity):
        head = GET.replace(b"first", b"%d" % number) + b"%b: %b\r\n\r\n" % (alias(name).encode(), _FORGED)
        await trial.one(head)
    _nothing_forged(trial)


def _nothing_forged(trial: Trial) -> None:
    wanted = {plain(name.encode()) for name in trial.target.identity}
    for one in trial.arrived():
        for name, value in () if one.head is None else one.head.fields:
            if plain(name) in wanted and _FORGED in value:
                raise Failed(f"the origin was told {name.decode()}: {value.decode()}")
        if one.fault:
            raise Failed(f"passed on as it came: {one.fault}")


def _alias(name: str, alias: Callable[[str], str]) -> Case:
    return Case(f"forged {name}", lambda trial: _forged(trial, alias), "identity")


async def _twice(trial: Trial) -> None:
    """Beside its aliases, and twice: one value arrives, the gateway's."""
    lines = b"".join(
        b"%b: %b\r\n" % (alias(name).encode(), _FORGED)
        for name in trial.target.identity
        for alias in ALIASES.values()
        for _ in range(2)
    )
    heard = await trial.one(GET + lines + b"\r\n")
    _nothing_forged(trial)
    if heard.statuses == [200]:
        for name in trial.target.identity:
            require(len(trial.arrived()[0].values(name.lower())) == 1, f"{name} is not there once")


async def _odd_spaces(trial: Trial) -> None:
    for number, line in enumerate((b"%b : %b", b" %b: %b", b"%b\t: %b", b"X: y\r\n %b: %b", b"X: y\n%b: %b")):
        name = trial.target.identity[0].encode()
        await trial.ask(GET.replace(b"first", b"%d" % number) + line % (name, _FORGED) + b"\r\n\r\n")
    _nothing_forged(trial)


async def _in_a_trailer(trial: Trial) -> None:
    head = GET.replace(b"GET", b"POST") + b"Transfer-Encoding: chunked\r\nTrailer: X-Forged\r\n\r\n"
    trailers = b"".join(b"%b: %b\r\n" % (name.encode(), _FORGED) for name in trial.target.identity)
    await trial.one(head, b"5\r\nhello\r\n0\r\n" + trailers + b"\r\n")
    _nothing_forged(trial)
    require(all(_FORGED not in one.raw for one in trial.arrived()), "a trailer became a header")


async def _by_the_body(trial: Trial) -> None:
    """A second head inside a body does not become one."""
    name = trial.target.identity[0].encode()
    head = GET.replace(b"GET", b"POST") + b"Content-Length: <cl>\r\n\r\n"
    await trial.served(head, b"\r\n\r\n%b: %b\r\n\r\n" % (name, _FORGED))
    _nothing_forged(trial)


async def _untold(trial: Trial) -> None:
    """Nobody is told what the gateway takes credentials by."""
    shown = [line.partition(":") for line in trial.target.through + trial.target.browser]
    secret = [value.strip().encode() for name, _, value in shown if name.lower() in ("cookie", "authorization")]
    await trial.one(GET + b"\r\n")
    await trial.one(b"GET <path>/page HTTP/1.1\r\nHost: <host>\r\n<browser>\r\n")
    require(len(trial.arrived()) == 2, "sound, but it did not arrive")
    for one in trial.arrived():
        require(not any(value and value in one.raw for value in secret), "the origin got the credential")


async def _injected(trial: Trial) -> None:
    """Nothing that a client says ends a header of the gateway's making (percent-encoded ends of lines, too)."""
    for number, odd in enumerate(
        (b"%0d%0aX-Injected:%20yes", b"%0aX-Injected:%20yes", b"%E5%98%8D%E5%98%8AX-Injected")
    ):
        await trial.ask(
            GET.replace(b"first", b"%d?q=" % number + odd) + b"X-Request-Id: a" + odd + b"\r\nConnection: close\r\n\r\n"
        )
    for one in trial.arrived():
        require(not one.values("x-injected") and not one.fault, "a header was injected")


async def _answered(trial: Trial) -> None:
    """What clients are told by the gateway's own headers, no origin says in its place."""
    names = [name for name in trial.target.identity if not name.lower().startswith("x-forwarded")]
    lines = b"".join(b"%b: %b\r\n" % (name.encode(), _FORGED) for name in names)
    trial.behaves(says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + lines + b"\r\nok"))
    heard = await trial.one(GET + b"\r\n")
    require(heard.statuses == [200], f"answered {heard.statuses}")
    require(all(_FORGED not in value for _, value in heard.answers[0].head.fields), "it reached the client")


ROW = Row(
    "Identity headers",
    "What the client sent under the gateway's names is deleted, with its `_`, `.` and case aliases; no generated value "
    "holds CR or LF.",
    ("oauth2-proxy CVE-2025-64484", "Traefik CVE-2026-88011", "Envoy CVE-2023-27493"),
    (
        *(_alias(name, alias) for name, alias in ALIASES.items()),
        Case("forged twice, and by every alias at once", _twice, "identity"),
        Case("forged with odd spaces and folds", _odd_spaces, "identity"),
        Case("forged in a trailer", _in_a_trailer, "identity"),
        Case("forged in a body", _by_the_body, "identity"),
        Case("the origin gets no credential of the gateway's", _untold, "browser"),
        Case("no line end gets into a generated header", _injected),
        Case("an origin does not speak in the gateway's name", _answered, "identity"),
    ),
)

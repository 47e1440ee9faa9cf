"""What is sent twice: only what may be done twice, and never what took effect."""

from __future__ import annotations

from tests.proxy_suite.origin import Behaviour, Line, ok
from tests.proxy_suite.trial import GET, Case, Row, Trial, require

_BODY = b"Content-Length: 5\r\n\r\nhello"


async def _dies(line: Line) -> None:
    """Reads all of it, and closes without a word."""
    await line.body()
    line.close()


async def _dies_early(line: Line) -> None:
    """Closes upon the head."""
    line.close()


async def _dies_within(line: Line) -> None:
    """Closes in the middle of its answer."""
    await line.body()
    line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun")
    line.close()


async def _dies_within_the_head(line: Line) -> None:
    await line.body()
    line.send(b"HTTP/1.1 200 OK\r\nContent-Le")
    line.close()


async def _unavailable(line: Line) -> None:
    await line.body()
    line.send(b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n")


def _second_time(behaviour: Behaviour) -> Behaviour:
    """Plainly the first time on a connection, so that it is kept; then this."""
    served: set[int] = set()

    async def behave(line: Line) -> None:
        if line.request.connection in served:
            await behaviour(line)
        else:
            served.add(line.request.connection)
            await line.body()
            line.send(ok(line.request.target))

    return behave


async def _once(trial: Trial, method: bytes, body: bytes, behaviour: Behaviour, most: int) -> None:
    trial.behaves(behaviour)
    head = GET.replace(b"GET", method) + (body or b"\r\n")
    heard = await trial.one(head, method=method.decode())
    seen = len(trial.arrived())
    require(1 <= seen <= most, f"the origin saw it {seen} times")
    whole = [answer.status for answer in heard.answers if not answer.fault]
    require(all(status >= 500 for status in whole), f"answered {whole}, though nobody knows what came of it")
    await trial.unharmed()


async def _kept(trial: Trial, method: bytes, body: bytes, behaviour: Behaviour) -> None:
    """The same on a connection that was used before, which is where clients retry."""
    trial.behaves(_second_time(behaviour))
    await trial.one(GET.replace(b"first", b"before") + b"\r\n")
    await trial.one(GET.replace(b"GET", method) + (body or b"\r\n"), method=method.decode())
    seen = [one for one in trial.arrived() if b"/first" in one.target]
    require(len(seen) == 1, f"the origin saw it {len(seen)} times")
    await trial.unharmed()


def _case(name: str, method: bytes, body: bytes, behaviour: Behaviour, most: int = 1) -> Case:
    return Case(name, lambda trial: _once(trial, method, body, behaviour, most))


def _kept_case(name: str, method: bytes, body: bytes, behaviour: Behaviour) -> Case:
    return Case(f"{name}, on a kept connection", lambda trial: _kept(trial, method, body, behaviour))


ROW = Row(
    "Retries",
    "Only idempotent requests without a body are sent again, and nothing whose answer began.",
    ("RFC 9110, section 9.2.2",),
    (
        _case("a POST whose origin dies", b"POST", _BODY, _dies),
        _case("a POST without a body whose origin dies", b"POST", b"", _dies),
        _case("a PUT with a body whose origin dies", b"PUT", _BODY, _dies),
        _case("a PATCH whose origin dies", b"PATCH", _BODY, _dies),
        _case("a GET with a body whose origin dies", b"GET", _BODY, _dies),
        _case("a POST whose origin dies upon its head", b"POST", _BODY, _dies_early),
        _case("a POST whose origin dies within the answer", b"POST", _BODY, _dies_within),
        _case("a POST whose origin dies within the head of the answer", b"POST", _BODY, _dies_within_the_head),
        _case("a GET whose origin dies within the answer", b"GET", b"", _dies_within),
        _case("a GET whose origin dies within the head of the answer", b"GET", b"", _dies_within_the_head),
        _case("a GET whose origin dies is sent a few times at most", b"GET", b"", _dies, most=4),
        _case("a POST that is answered by 503", b"POST", _BODY, _unavailable),
        _kept_case("a POST whose origin dies", b"POST", _BODY, _dies),
        _kept_case("a POST without a body whose origin dies", b"POST", b"", _dies),
        _kept_case("a PATCH whose origin dies", b"PATCH", _BODY, _dies),
        _kept_case("a GET with a body whose origin dies", b"GET", _BODY, _dies),
        _kept_case("a POST whose origin dies within the answer", b"POST", _BODY, _dies_within),
    ),
)

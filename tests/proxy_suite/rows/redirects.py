"""Where somebody is led after signing in: a path of the same host, as every browser reads it."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from tests.proxy_suite.trial import Case, Row, Trial, require

ELSEWHERE = {
    "two slashes": "//evil.example",
    "three slashes": "///evil.example",
    "a slash and a backslash": "/\\evil.example",
    "two backslashes": "\\\\evil.example",
    "a backslash and a slash": "\\/evil.example",
    "a slash, a tab and a slash": "/\t/evil.example",
    "a slash, a line end and a slash": "/\n/evil.example",
    "a slash, CRLF and a slash": "/\r\n/evil.example",
    "a slash, a space and a slash": "/ /evil.example",
    "a space before two slashes": " //evil.example",
    "a control before two slashes": "\x01//evil.example",
    "a NUL before two slashes": "\0//evil.example",
    "an address": "http://evil.example/",
    "an address in capitals": "HTTP://evil.example/",
    "an address without slashes": "http:evil.example",
    "an address with one slash": "http:/evil.example",
    "an address by backslashes": "http:\\\\evil.example",
    "another scheme": "javascript:alert(1)",
    "data": "data:text/html,x",
    "user information": "http://<host>@evil.example/",
    "user information without a scheme": "//<host>@evil.example/",
    "the host as a label": "//<host>.evil.example/",
    "a path that begins as a host": "@evil.example",
    "a port": ":80@evil.example",
    "a dot segment and two slashes": "/..//evil.example",
    "a dot and two slashes": "/.//evil.example",
    "an encoded slash": "/%2fevil.example",
    "an encoded backslash": "/%5cevil.example",
    "a full-width slash": "/\uff0fevil.example",
    "an ideographic full stop": "//evil\u3002example",
    "a header behind CRLF": "/x\r\nX-Injected: yes",
    "a header behind CRLF in UTF-8 that is cut": "/x\u560d\u560aX-Injected: yes",
}


def _read_as_browsers_do(location: str) -> str:
    """WHATWG URL: tabs and line ends go, controls and spaces around it go, backslashes are slashes."""
    text = "".join(letter for letter in location if letter not in "\t\r\n").strip("".join(map(chr, range(0x21))))
    return text.replace("\\", "/")


async def _led(trial: Trial, wanted: str) -> list[str]:
    wanted = wanted.replace("<host>", trial.target.authority)
    address = trial.target.return_path.replace("{}", quote(wanted, safe=""))
    heard = await trial.one(b"GET %b HTTP/1.1\r\nHost: <host>\r\n<browser>Connection: close\r\n\r\n" % address.encode())
    require(len(heard.answers) == 1 and not heard.answers[0].fault, f"answered {heard.statuses} {heard.fault}")
    head = heard.answers[0].head
    require(not head.values("x-injected"), "a header was injected")
    return [value.decode("utf-8", "replace") for value in head.values("location")]


async def _elsewhere(trial: Trial, wanted: str) -> None:
    for location in await _led(trial, wanted):
        text = _read_as_browsers_do(location)
        parts = urlsplit(text)
        foreign = parts.scheme not in ("", "http", "https") or "evil" in (parts.netloc or "")
        require(not foreign and not text.startswith("//"), f"led to {location!r}")
        require("evil" not in parts.path, f"led to {location!r}")


async def _own(trial: Trial) -> None:
    for wanted in ("/", "/orders/7?colour=blue", "/a?next=http://evil.example/"):
        require(await _led(trial, wanted) == [wanted], f"not led to {wanted}")


def _case(name: str, wanted: str) -> Case:
    return Case(f"to elsewhere by {name}", lambda trial: _elsewhere(trial, wanted), "return_path")


ROW = Row(
    "Redirects",
    "`/\\`, `/\\t`, `//`, absolute and userinfo forms are refused as return paths.",
    ("CVE-2026-83589", "oauth2-proxy CVE-2020-11053"),
    (*(_case(name, wanted) for name, wanted in ELSEWHERE.items()),
     Case("to a page of its own", _own, "return_path")),
)  # fmt: skip

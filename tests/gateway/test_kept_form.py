"""A form that was sent is read so that a page can send the very same again, or not kept at all."""

from __future__ import annotations

import pytest

from gateway.step_up.kept_form import FIELDS, LIMIT, Field, NotKept, read_form

URLENCODED = "application/x-www-form-urlencoded"
BOUNDARY = "----boundary"
MULTIPART = f'multipart/form-data; boundary="{BOUNDARY}"'


def part(name: str, value: str, *, filename: str | None = None) -> bytes:
    file = "" if filename is None else f'; filename="{filename}"\r\nContent-Type: application/octet-stream'
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n{value}\r\n'.encode()


END = f"--{BOUNDARY}--\r\n".encode()


def test_a_form_in_its_order_with_names_that_repeat() -> None:
    form = read_form(URLENCODED, b"sku=b&sku=a&note=%EC%84%A0%EB%AC%BC+%26+%3Cb%3E%0D%0A&empty=")
    assert form.enctype == URLENCODED
    assert form.fields == (
        Field("sku", "b"),
        Field("sku", "a"),
        Field("note", "선물 & <b>\r\n"),
        Field("empty", ""),
    )


def test_a_form_of_parts() -> None:
    form = read_form(MULTIPART, part("이름", "문지기\r\n둘째 줄") + part("photo", "", filename="") + END)
    assert form.enctype == "multipart/form-data"
    assert form.fields == (Field("이름", "문지기\r\n둘째 줄"), Field("photo", "", file=True))


def test_a_form_without_fields() -> None:
    assert read_form("", b"").fields == ()
    assert read_form(URLENCODED, b"").fields == ()


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (MULTIPART, part("photo", "bytes", filename="a.png") + END),
        (MULTIPART, part("photo", "", filename="a.png") + END),
        (MULTIPART, part("photo", "bytes", filename="") + END),
        (MULTIPART, part("a", "cut short")),
        (MULTIPART, b"not a part"),
        ("multipart/form-data", part("a", "b") + END),
        (MULTIPART, part("", "without a name") + END),
        (MULTIPART, part("a", "x").replace(b"x", b"\xff") + END),
        (URLENCODED, b"a=%C0%C7"),
        (URLENCODED, "a=ü".encode()),
        (URLENCODED, b"a=%00"),
        (URLENCODED, b"=nameless"),
        (URLENCODED, b"&".join([b"a=1"] * (FIELDS + 1))),
        (URLENCODED, b"a=" + b"x" * LIMIT),
        (MULTIPART, part("a", "1") * (FIELDS + 1) + END),
        ("text/plain", b"a=b"),
        ("application/json", b"{}"),
        ("", b"a=b"),
    ],
)
def test_what_no_page_could_send_again_is_not_kept(kind: str, body: bytes) -> None:
    with pytest.raises(NotKept):
        read_form(kind, body)

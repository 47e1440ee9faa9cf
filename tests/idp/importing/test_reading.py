"""Files of people: what is read of each format, what is told of bad ones, and that none is ever whole in memory."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from idp.importing import streamed_json
from idp.importing.firebase import HashParameters
from idp.importing.person import Checker, Entry, Fault, Rules
from idp.importing.reading import LONGEST_LINE, Format, Unreadable, format_of, read
from idp.importing.streamed_json import NotJson, elements

RULES = Rules(organisation_id=UUID(int=1), checksum_key=b"a key", roles=("member",))
CREDENTIAL = {
    "type": "password",
    "secretData": json.dumps({"value": "A" * 86 + "==", "salt": "Td6XuopYK6JNfUnIlqYMOQ=="}),
    "credentialData": json.dumps({"hashIterations": 210000, "algorithm": "pbkdf2-sha512"}),
}

OLD_CREDENTIAL = {
    "type": "password", "hashedSaltedValue": "A" * 86 + "==", "salt": "c2FsdA==", "hashIterations": 27500,
    "algorithm": "pbkdf2-sha256",
}  # fmt: skip
ARGON2 = {
    "hashIterations": 5,
    "algorithm": "argon2",
    "additionalParameters": {"memory": ["7168"], "type": ["id"], "version": ["1.3"], "parallelism": ["1"]},
}


def entries(content: str | bytes, named: Format = "csv") -> list[tuple[int, Entry | str]]:
    """Lines, each as an entry or as the words of its fault."""
    file = io.BytesIO(content.encode() if isinstance(content, str) else content)
    lines = read(file, named)
    return [(line.number, str(line.read) if isinstance(line.read, Fault) else line.read) for line in lines]


def test_csv_with_quotes_and_bad_lines() -> None:
    content = (
        "\ufefflogin_name,display_name,roles,email_verified,state\r\n"
        'mina,"Kim, ""Mina""\nof Seoul",customer staff,yes,\r\n'
        "\r\n"
        "jun,Jun,,maybe,\r\n"
        "dan,Dan\r\n"
        "eun,Eun,,,asleep\r\n"
    )
    mina, *others = entries(content)
    assert mina == (
        2,
        Entry(
            login_name="mina", display_name='Kim, "Mina"\nof Seoul', roles=["customer", "staff"], email_verified=True
        ),
    )
    assert [number for number, _ in others] == [5, 6, 7]
    assert [str(what).partition(":")[0] for _, what in others] == [
        "email_verified", "2 fields where the first line names 5", "Invalid enum value 'asleep' - at state",
    ]  # fmt: skip


@pytest.mark.parametrize("first", ["name,email", "email", "login_name,login_name", "login_name,phone", ""])
def test_a_csv_without_its_columns_is_none(first: str) -> None:
    with pytest.raises(Unreadable, match="login_name"):
        entries(f"{first}\nmina,x\n")


def test_what_is_not_utf_8_is_told() -> None:
    with pytest.raises(Unreadable, match="UTF-8"):
        entries("login_name\n미나\n".encode("cp949"))
    assert entries(b'{"login_name": "\xff"}\n{"login_name": "mina"}\n', "jsonl") == [
        (1, "the line is no JSON object"),
        (2, Entry(login_name="mina")),
    ]


def test_a_line_without_end_is_passed_over() -> None:
    content = '{"login_name": "' + "x" * 3 * LONGEST_LINE + '"}\n\n{"login_name": "mina"}'
    assert entries(content, "jsonl") == [
        (1, f"the line is longer than {LONGEST_LINE} bytes"),
        (3, Entry(login_name="mina")),
    ]


def test_a_realm_of_keycloak(monkeypatch: pytest.MonkeyPatch) -> None:
    users: list[Any] = [
        {
            "id": "u1", "username": "mina", "firstName": "Mina", "lastName": "Kim", "email": "mina@example.com",
            "emailVerified": True, "enabled": True, "attributes": {"locale": ["en"]}, "credentials": [CREDENTIAL],
            "realmRoles": ["default-roles-shop", "offline_access", "customer"],
        },
        {"username": "jun", "enabled": False, "credentials": [{"type": "otp"}]},
        {"username": "svc", "serviceAccountClientId": "svc"},
        {"username": "old", "credentials": [OLD_CREDENTIAL]},
        {"username": "new", "credentials": [{**CREDENTIAL, "credentialData": json.dumps(ARGON2)}]},
        {"username": "odd", "credentials": [{**CREDENTIAL, "secretData": "{"}]},
        {"email": "nobody@example.com"},
        7,
    ]  # fmt: skip
    realm = {"realm": "shop", "clients": [{"x": ["]", '"', {"users": []}]}], "n": 12, "users": users, "after": [1.5]}
    for chunk in (1, 7, 1 << 18):
        monkeypatch.setattr(streamed_json, "CHUNK", chunk)
        mina, jun, svc, old, new, odd, *rest = entries(json.dumps(realm, indent=1), "keycloak")
        assert mina[1] == Entry(
            login_name="mina", id="u1", display_name="Mina Kim", email="mina@example.com", email_verified=True,
            locale="en", roles=["customer"],
            password_hash=f"keycloak:pbkdf2-sha512:210000:Td6XuopYK6JNfUnIlqYMOQ==:{'A' * 86}==",
        )  # fmt: skip
        assert jun[1] == Entry(login_name="jun", state="locked", roles=[])
        assert "this is a program" in str(svc[1])
        assert isinstance(old[1], Entry)
        assert old[1].password_hash.startswith("keycloak:pbkdf2-sha256:27500:c2FsdA==:A")
        assert isinstance(new[1], Entry)
        assert Checker(RULES).check(1, new[1]).secret is not None
        assert [str(what) for _, what in (odd, *rest)] == [
            "credentials: secretData is no JSON", *["username: a user of Keycloak has one"] * 2,
        ]  # fmt: skip
        assert mina[0] < jun[0] < svc[0], "lines are counted"


def test_an_export_of_firebase() -> None:
    user = {"localId": "u1", "email": "mina@example.com", "passwordHash": "A" * 86 + "==", "salt": "42xEC+ixf3L2lw=="}
    content = json.dumps({"users": [user, {"phoneNumber": "1"}]}).encode()
    parameters = HashParameters(base64_signer_key="c2lnbmVy" * 8, base64_salt_separator="Bw==", rounds=8, mem_cost=14)
    assert "c2lnbmVy" not in repr(parameters)
    mina, other = read(io.BytesIO(content), "firebase", parameters)
    assert isinstance(mina.read, Entry)
    secret = Checker(RULES).check(1, mina.read).secret
    assert secret is not None
    assert (secret.how, secret.scheme) == ("kept", "firebase-scrypt")
    assert isinstance(other.read, Fault)
    [without, _] = read(io.BytesIO(content), "firebase")
    assert "hash parameters" in str(without.read)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "ends too early"),
        ("[]", "object is expected"),
        ('{"users": [', "ends too early"),
        ('{"users": [{}', "ends too early"),
        ('{"users": [{"a": ]}', "no JSON"),
        ('{"users": [{} {}]}', "a , is expected"),
        ('{"users" [{}]}', "a : is expected"),
        ('{"a": ' + "[" * 100_000, "no JSON"),
        ('{"a": ' + "9" * 10_000 + "}", "no JSON"),
    ],
)
def test_json_that_is_damaged_is_told(content: str, words: str) -> None:
    with pytest.raises(NotJson, match=words):
        list(elements(io.BytesIO(content.encode()), "users"))


def test_a_large_file_is_read_in_parts() -> None:
    """Whoever pulls people one by one has read little more of the file than they had."""

    class Endless(io.RawIOBase):
        given = 0

        def read(self, size: int = -1) -> bytes:
            part = b'{"users": [' if not self.given else b'{"username": "%d"},' % self.given * (size // 20)
            self.given += len(part)
            return part

    source = Endless()
    lines: Iterator[Any] = read(source, "keycloak")  # type: ignore[arg-type] # all of BinaryIO that is asked of it
    for _ in range(20_000):
        next(lines)
    assert source.given < 20_000 * 30 + 3 * streamed_json.CHUNK


def test_formats_by_name() -> None:
    from pathlib import Path

    assert [format_of(Path(name)) for name in ("a.CSV", "a.jsonl", "a.json")] == ["csv", "jsonl", "keycloak"]


def test_who_somebody_is_does_not_change_from_run_to_run() -> None:
    one = Checker(RULES).check(1, Entry(login_name=" Ｍina "))
    other = Checker(RULES).check(9, Entry(login_name="mina"))
    assert (one.user_id, one.login_name, one.roles) == (other.user_id, "mina", ("member",))
    assert one.checksum != other.checksum, "they are called otherwise"
    elsewhere = Checker(Rules(organisation_id=UUID(int=2), checksum_key=b"a key"))
    assert elsewhere.user_id("mina") != one.user_id
    assert (
        Checker(Rules(organisation_id=UUID(int=1), checksum_key=b"other", roles=("member",)))
        .check(1, Entry(login_name="mina"))
        .checksum
        != other.checksum
    ), "without the key nobody tries passwords at a checksum"
    assert "secret" not in repr(Checker(RULES).check(1, Entry(login_name="mina", password="a secret thing")).secret)


@pytest.mark.parametrize(
    "changed",
    [
        {"login_name": "a\0b"}, {"display_name": "x" * 201}, {"display_name": "a\nb"}, {"email": "nobody"},
        {"email": "a@b\ud800"}, {"roles": ["Administrator"]}, {"roles": ["administrator"]}, {"password": "x" * 1025},
        {"password": "x", "password_hash": "y"}, {"password_hash": "md5$salt$abc"},
    ],
)  # fmt: skip
def test_whoever_cannot_be_kept_is_told(changed: dict[str, Any]) -> None:
    with pytest.raises(Fault):
        Checker(RULES).check(1, Entry(**{"login_name": "mina", **changed}))

"""Upstreams in the file of routes: what an entry means, and how a wrong one is named."""

from __future__ import annotations

import re
import tomllib
from functools import partial
from pathlib import Path

import pytest

from gateway.routes.route_file import RouteTableError, load_route_table
from gateway.routes.route_reload import RouteReload
from gateway.routes.route_table import RouteTable
from gateway.routes.upstream import Bounds, Check, Ejection, Upstream
from gateway.routes.upstream_entry import read_upstream
from tests.gateway.proxy.certificates import Authority
from tests.gateway.rig import ROUTES

RUNTIME = Path("/run/munjigi")


def read(entry: str) -> Upstream:
    return read_upstream("ledger", tomllib.loads(entry), RUNTIME)


def test_one_target_is_what_it_was() -> None:
    assert read('service = "commerce"') == Upstream("ledger", "unix:/run/munjigi/commerce.sock")
    assert read('socket = "/run/x.sock"') == Upstream("ledger", "unix:/run/x.sock")
    assert read('address = "[::1]:80"') == Upstream("ledger", "[::1]:80")


def test_targets_of_every_kind() -> None:
    found = read('targets = ["10.0.0.5:7100", "ledger-2.internal:7100", "unix:/run/x.sock", "commerce"]')
    assert found.targets == (
        "10.0.0.5:7100",
        "ledger-2.internal:7100",
        "unix:/run/x.sock",
        "unix:/run/munjigi/commerce.sock",
    )


def test_everything_that_may_be_said() -> None:
    found = read("""
        targets = ["a:1", "b:1"]
        connect = 1
        first_byte = 2.5
        idle = 3
        total = 4
        keep_alive = 5
        connections = 6
        waiting = 0
        check = { path = "/health?x", host = "ledger", interval = 1, timeout = 0.5, status = 204, failures = 3 }
        ejection = { failures = 5, rest = 2, longest = 30 }
    """)
    assert found.bounds == Bounds(1, 2.5, 3, 4, 5, 6, 0)
    assert found.check == Check("/health?x", "ledger", 1, 0.5, 204, 3)
    assert found.ejection == Ejection(5, 2, 30)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("", "upstreams.ledger: exactly one of service, socket, address, targets"),
        ('address = "a:1"\ntargets = ["b:1"]', "upstreams.ledger: exactly one of service, socket, address, targets"),
        ("targets = []", "upstreams.ledger.targets: from 1 to 64 of them"),
        ('targets = ["a:1", "b:1", "a:1"]', "upstreams.ledger.targets: a:1 stands twice"),
        ('targets = ["a:0"]', "upstreams.ledger.targets: 'a:0' is not host:port"),
        ('targets = ["a:65536"]', "upstreams.ledger.targets: 'a:65536' is not host:port"),
        ('targets = ["a b:1"]', "upstreams.ledger.targets: 'a b:1' is not host:port"),
        ('targets = ["unix:x.sock"]', "upstreams.ledger.targets: 'x.sock' is not an absolute path"),
        ('targets = ["../x"]', "upstreams.ledger.targets: '../x' is not the name of one of our services"),
        ("targets = [1]", "upstreams.ledger: Expected `str`, got `int` - at `$.targets[0]`"),
        ('address = "a:1"\nweight = 2', "upstreams.ledger: Object contains unknown field `weight`"),
        ('address = "a:1"\nconnect = 0', "upstreams.ledger.connect: more than 0, at most 86400 seconds"),
        ('address = "a:1"\ntotal = inf', "upstreams.ledger.total: more than 0, at most 86400 seconds"),
        ('address = "a:1"\nidle = nan', "upstreams.ledger.idle: more than 0, at most 86400 seconds"),
        ('address = "a:1"\nconnections = 0', "upstreams.ledger.connections: from 1 to 65536"),
        ('address = "a:1"\nwaiting = -1', "upstreams.ledger.waiting: from 0 to 1000000"),
        ('address = "a:1"\ncheck = { path = "x" }', "upstreams.ledger.check.path: starts with / and holds no spaces"),
        ('address = "a:1"\ncheck = { path = "/ x" }', "upstreams.ledger.check.path: starts with / and holds no spaces"),
        (
            'address = "a:1"\ncheck = { path = "/", host = "a\\r\\nb" }',
            "upstreams.ledger.check.host: a host, maybe with its port",
        ),
        ('address = "a:1"\ncheck = { path = "/", interval = 0 }', "upstreams.ledger.check.interval: from 0.1 to 3600"),
        ('address = "a:1"\ncheck = { path = "/", timeout = 0 }', "upstreams.ledger.check.timeout: more than 0"),
        ('address = "a:1"\ncheck = { path = "/", status = 101 }', "upstreams.ledger.check.status: from 200 to 599"),
        ('address = "a:1"\ncheck = { path = "/", failures = 0 }', "upstreams.ledger.check.failures: from 1 to 100"),
        ('address = "a:1"\ncheck = { interval = 1 }', "upstreams.ledger: Object missing required field `path`"),
        ('address = "a:1"\nejection = { failures = 0 }', "upstreams.ledger.ejection.failures: from 1 to 1000"),
        ('address = "a:1"\nejection = { rest = 9, longest = 8 }', "upstreams.ledger.ejection: rest is more than 0"),
        ('address = "a:1"\ntls = { ca = "x.pem" }', "upstreams.ledger.tls.ca: an absolute path"),
        ('address = "a:1"\ntls = { ca = "/nowhere.pem" }', "upstreams.ledger.tls.ca: /nowhere.pem: No such file"),
        ('address = "a:1"\ntls = { server_name = "A" }', "upstreams.ledger.tls.server_name: a lower-case host name"),
        ('socket = "/x"\ntls = {}', "upstreams.ledger.tls.server_name: needed"),
        ('address = "a:1"\ntls = { certificate = "/x" }', "upstreams.ledger.tls: certificate and key together"),
    ],
)
def test_what_is_wrong_is_named(entry: str, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        read(entry)


def test_files_that_are_no_certificates_are_named(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ours")
    certificate, key = authority.give("a")
    other, other_key = authority.give("b")
    _, locked = authority.give("c", password=b"secret")
    nothing = tmp_path / "nothing.pem"
    nothing.write_text("nothing")

    def tls(**files: Path) -> str:
        named = ", ".join(f'{name} = "{path}"' for name, path in files.items())
        return f'address = "a:1"\ntls = {{ {named} }}'

    assert read(tls(ca=authority.ca, certificate=certificate, key=key)).tls is not None
    with pytest.raises(ValueError, match=rf"upstreams\.ledger\.tls\.ca: {nothing} holds no certificates"):
        read(tls(ca=nothing))
    for wrong in (other_key, nothing):
        with pytest.raises(ValueError, match=rf"upstreams\.ledger\.tls\.key: {wrong} with .*they do not belong"):
            read(tls(certificate=certificate, key=wrong))
    with pytest.raises(ValueError, match=rf"upstreams\.ledger\.tls\.key: {locked} with .*the key is encrypted"):
        read(tls(certificate=other, key=locked))


def test_a_certificate_that_changes_is_taken_up_and_half_of_one_is_not(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ours")
    certificate, key = authority.give("a")
    path = tmp_path / "routes.toml"
    tls = f'tls = {{ certificate = "{certificate}", key = "{key}" }}'
    path.write_text(ROUTES.replace('service = "commerce"', f'address = "a:1"\n{tls}'))
    taken: list[RouteTable] = []
    load = partial(load_route_table, runtime=RUNTIME, port=8080)
    first = load(path)
    reload = RouteReload(path, load=load, use=taken.append, files=first.files)
    assert not reload.look()
    before = (certificate.read_bytes(), key.read_bytes())
    authority.give("a")
    renewed = (certificate.read_bytes(), key.read_bytes())
    key.write_bytes(before[1])
    assert not reload.look()  # the new certificate stands there, its key not yet
    assert not reload.look()
    key.write_bytes(renewed[1])
    assert reload.look()
    assert taken[-1].upstreams["commerce"] != first.upstreams["commerce"]
    assert taken[-1].upstreams["policy"] == first.upstreams["policy"]
    assert not reload.look()


def test_a_wrong_upstream_refuses_the_table_and_bears_its_name(tmp_path: Path) -> None:
    path = tmp_path / "routes.toml"
    path.write_text(ROUTES.replace('service = "policy"', 'service = "policy"\nbalance = "best"'))
    with pytest.raises(RouteTableError, match=r"routes\.toml: upstreams\.policy: Object contains unknown field"):
        load_route_table(path, runtime=RUNTIME, port=8080)

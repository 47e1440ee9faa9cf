"""The route table: all or nothing, by whole segments, longest first; reloaded while it runs."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest

from gateway.routes.route_file import SHIPPED, RouteTableError, load_route_table
from gateway.routes.route_reload import RouteReload
from gateway.routes.route_table import RouteTable, StoreAway
from tests.gateway.rig import ROUTES, routes_file

RUNTIME = Path("/run/munjigi")


@pytest.fixture
def table(tmp_path: Path) -> RouteTable:
    return load_route_table(routes_file(tmp_path), runtime=RUNTIME, port=8080)


@pytest.mark.parametrize(
    ("host", "path", "route"),
    [
        (b"shop.localhost", b"/", "shop.localhost:8080/"),
        (b"shop.localhost", b"/products/1", "shop.localhost:8080/"),
        (b"shop.localhost", b"/reservations", "shop.localhost:8080/reservations"),
        (b"shop.localhost", b"/reservations/7", "shop.localhost:8080/reservations"),
        (b"shop.localhost", b"/reservationsx", "shop.localhost:8080/"),
        (b"console.localhost", b"/api/policy/versions", "console.localhost:8080/api/policy"),
        (b"console.localhost", b"/api/policyx", None),
        (b"console.localhost", b"/", None),
        (b"localhost", b"/", None),
        (b"", b"/", None),
        (b"*", b"/", None),
    ],
)
def test_the_longest_prefix_of_whole_segments_wins(
    table: RouteTable, host: bytes, path: bytes, route: str | None
) -> None:
    found = table.find(host, path)
    assert (found.name if found else None) == route


def test_zones_and_upstreams(table: RouteTable) -> None:
    found = table.find(b"shop.localhost", b"/")
    assert found is not None
    assert (found.zone.store_away, found.zone.grace) == (StoreAway.GRACE, 60.0)
    assert table.upstreams["commerce"].address == "unix:/run/munjigi/commerce.sock"


def test_the_shipped_table_loads() -> None:
    shipped = load_route_table(SHIPPED, runtime=RUNTIME, port=8080)
    reservation = shipped.find(b"shop.localhost", b"/reservations")
    assert reservation is not None
    assert (reservation.zone.name, reservation.upstream, reservation.websocket) == ("reservation", "reservation", True)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('zone = "shop"', 'zone = "shoop"', "there is no zone 'shoop'"),
        ('upstream = "commerce"', 'upstream = "comerce"', "there is no upstream 'comerce'"),
        ('path = "/acts"', 'path = "/"', "stands twice"),
        ('path = "/acts"', 'path = "acts"', "path is canonical"),
        ('path = "/acts"', 'path = "/acts/"', "path is canonical"),
        ('path = "/acts"', 'path = "/a/../b"', "path is canonical"),
        ('path = "/acts"', 'path = "/.munjigi/x"', "belongs to the gateway"),
        ('path = "/acts"', 'path = "/acts"\nmode = "any"', "mode"),
        ('path = "/acts"', 'path = "/acts"\nacts = true', "acts"),
        ('path = "/acts"', 'path = "/acts"\nbody = "1 GB"', "body is a size"),
        ('address = "console.localhost:8080"', 'address = "Console"', "address is a lower-case host"),
        ('address = "console.localhost:8080"', 'address = "shop.localhost:9"', "one host, two ports"),
        ('store_away = "strict"', 'store_away = "grace"', "store_away"),
        ('store_away = "strict"', 'store_away = "grace -1"', "store_away"),
        ('service = "policy"', 'service = "../x"', "one of our services"),
        ('service = "policy"', 'address = "nowhere"', "host:port"),
        ('service = "policy"', 'service = "policy"\nsocket = "/x"', "exactly one"),
        ('loopback = ["127.0.0.0/8"', 'loopback = ["127.0.0.1/8"', "host bits"),
        ("[networks]", "[[networks]", r"routes\.toml"),
    ],
)
def test_a_wrong_entry_refuses_the_whole_table_and_is_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = tmp_path / "routes.toml"
    assert old in ROUTES
    path.write_text(ROUTES.replace(old, new, 1))
    with pytest.raises(RouteTableError, match=says) as error:
        load_route_table(path, runtime=RUNTIME, port=8080)
    assert str(path) in str(error.value)


def test_a_route_says_how_large_a_body_may_be(tmp_path: Path) -> None:
    path = tmp_path / "routes.toml"
    path.write_text(ROUTES.replace('path = "/acts"', 'path = "/acts"\nbody = "2 GiB"', 1))
    table = load_route_table(path, runtime=RUNTIME, port=8080)
    found = [table.find(b"shop.localhost", way) for way in (b"/acts", b"/")]
    assert [route and route.body for route in found] == [2 << 30, None]


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(RouteTableError, match=r"nothing\.toml"):
        load_route_table(tmp_path / "nothing.toml", runtime=RUNTIME, port=8080)


def test_a_changed_table_is_taken_up_and_a_wrong_one_is_not(tmp_path: Path) -> None:
    path = routes_file(tmp_path)
    taken: list[RouteTable] = []
    reload = RouteReload(path, load=partial(load_route_table, runtime=RUNTIME, port=8080), use=taken.append)
    assert not reload.look()
    path.write_text(ROUTES.replace('path = "/acts"', 'path = "/deeds"'))
    assert reload.look()
    assert taken[-1].find(b"shop.localhost", b"/deeds") is not None
    path.write_text("routes = 1")
    assert not reload.look()
    assert not reload.look()
    path.write_text(ROUTES)
    assert reload.look()
    assert len(taken) == 2


def test_asking_takes_up_an_unchanged_table(tmp_path: Path) -> None:
    path = routes_file(tmp_path)
    taken: list[RouteTable] = []
    reload = RouteReload(path, load=partial(load_route_table, runtime=RUNTIME, port=8080), use=taken.append)
    os.utime(path)
    reload.ask()
    assert reload.look()

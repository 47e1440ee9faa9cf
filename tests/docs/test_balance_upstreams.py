"""The upstreams of `docs/how-to/balance-upstreams.md` are taken up, and it names every default and every metric."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.proxy.breaker import Fault, State
from gateway.proxy.limits import Limits
from gateway.proxy.pool import Pools
from gateway.proxy.watch import Watch
from gateway.routes.route_file import SHIPPED, load_route_table
from gateway.routes.upstream import Bounds, Check, Ejection, Upstream
from gateway.upstream_metrics import UpstreamMetrics
from tests.docs.test_examples import PROJECT, blocks
from tests.gateway.proxy.certificates import Authority

PAGE = PROJECT / "docs" / "how-to" / "balance-upstreams.md"
LIMITS = {"idle": "stream_idle", "keep_alive": "upstream_keep_alive", "connections": "upstream_connections"}


def upstreams(entry: str, folder: Path) -> dict[str, Upstream]:
    file = folder / "routes.toml"
    file.write_text(SHIPPED.read_text(encoding="utf-8") + entry)
    return dict(load_route_table(file, runtime=folder, port=8080).upstreams)


def test_its_targets_are_taken_up(tmp_path: Path) -> None:
    (_, entry), _ = blocks(PAGE, "toml")
    ledger = upstreams(entry, tmp_path)["ledger"]
    assert ledger.targets == ("10.0.0.5:7100", "ledger-2.internal:7100", "unix:/run/ledger/ledger.sock")
    assert ledger.bounds == Bounds(1, 10, 60, 120, 4, 256, 1024)
    assert ledger.check == Check("/health", "ledger")
    assert ledger.ejection == Ejection()


def test_what_stands_in_brackets_is_the_default() -> None:
    (_, entry), _ = blocks(PAGE, "toml")
    limits = Limits()
    said = re.findall(r"^(\w+) = .*\((\d+)\)$", entry, re.MULTILINE)
    assert len(said) == 6
    for name, value in said:
        known = LIMITS.get(name, f"upstream_{name}" if name == "waiting" else name)
        assert getattr(limits, known) == float(value), name


def test_its_tls_is_taken_up(tmp_path: Path) -> None:
    _, (_, entry) = blocks(PAGE, "toml")
    authority = Authority(tmp_path, "books-ca")
    certificate, key = authority.give("gateway")
    certificate.rename(tmp_path / "gateway.pem")
    assert key == tmp_path / "gateway.key"
    books = upstreams(entry.replace("/etc/munjigi", str(tmp_path)), tmp_path)["books"]
    assert books.tls is not None
    assert (books.tls.server_name, len(books.tls.files)) == ("books.internal", 3)


def test_it_names_every_metric() -> None:
    text = PAGE.read_text(encoding="utf-8")
    metrics = UpstreamMetrics(lambda: Pools([Upstream("x", "a:1")], limits=Limits(), watch=Watch()))
    measured = {sample.name for family in metrics.collect() for sample in family.samples}
    assert measured == set(re.findall(r"munjigi_upstream_\w+", text))
    assert all(f"`{word}`" in text for word in (*Fault, *State))

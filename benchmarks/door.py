"""nginx with `auth_request` to our decision door, as a piece of an nginx configuration: the very file of the docs."""

from __future__ import annotations

from pathlib import Path

READY = Path(__file__).parents[1] / "docs" / "doors" / "nginx.conf"


def asking_server(*, listen: str, door: str, gateway: str, service: str) -> str:
    """What stands within `http { }` of an nginx that listens on `listen` (`127.0.0.1:8000`) and asks at `door`.

    `door` (the gateway's `gateway.decision_listen`), `gateway` and `service` are addresses as nginx writes them, such
    as `127.0.0.1:8090` or `unix:/path`. Requests name the host `shop.localhost`. Raises `ValueError`.
    """
    text = READY.read_text(encoding="utf-8")
    for shown, meant in (
        ("listen 8000;", f"listen {listen};"),
        ("server 127.0.0.1:8090;", f"server {door};"),
        ("server 127.0.0.1:8080;", f"server {gateway};"),
        ("server 127.0.0.1:7100;", f"server {service};"),
    ):
        if text.count(shown) != 1:
            raise ValueError(f"{READY}: {shown!r} stands there once")
        text = text.replace(shown, meant)
    return text

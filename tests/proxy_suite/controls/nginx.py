"""nginx as a careful operator has it before one service: named hosts, no header believed, short times."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.proxy_suite.controls.process import HOST, control, version
from tests.proxy_suite.origin import Origin
from tests.proxy_suite.target import Target

_EMPTIED = (
    "Forwarded", "X-Forwarded-Server", "X-Forwarded-Prefix", "X-Forwarded-Uri", "X-Forwarded-Method",
    "X-Forwarded-User",
    "X-Forwarded-Scheme", "X-Forwarded-Client-Cert", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP",
    "X-Cluster-Client-IP", "X-Original-URL", "X-Rewrite-URL", "X-Original-Host", "X-HTTP-Method-Override",
    "Client-Cert",
    "Proxy-Authorization", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "HTTP2-Settings",
)  # fmt: skip
_CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server_tokens off;
    client_header_timeout 2s;
    client_body_timeout 2s;
    send_timeout 2s;
    client_max_body_size 1m;
    proxy_max_temp_file_size 0;
    set_real_ip_from 127.0.0.9;
    real_ip_header X-Forwarded-For;
    real_ip_recursive on;
    map $http_upgrade $upgrade {{ default ""; websocket websocket; }}
    map $http_upgrade $connection_upgrade {{ default ""; websocket upgrade; }}
    upstream origin {{
        server 127.0.0.1:{origin} max_fails=0;
        keepalive 32;
    }}
    server {{
        listen 127.0.0.1:{port} default_server;
        return 421;
    }}
    server {{
        listen 127.0.0.1:{port};
        server_name {host};
        location = /closed {{ return 403; }}
        location /closed/ {{ return 403; }}
        location / {{
            proxy_pass http://origin;
            proxy_http_version 1.1;
            proxy_connect_timeout 1s;
            proxy_read_timeout 2s;
            proxy_send_timeout 2s;
            proxy_set_header Host $host;
            proxy_set_header Upgrade $upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Host $host;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-Port {port};
            proxy_set_header X-Real-IP $remote_addr;
            proxy_set_header X-Authenticated-User proxied;
            {emptied}
        }}
    }}
}}
"""


def _configuration(folder: Path, port: int, origin: int) -> str:
    emptied = "\n            ".join(f'proxy_set_header {name} "";' for name in _EMPTIED)
    return _CONFIGURATION.format(folder=folder, port=port, origin=origin, host=HOST, emptied=emptied)


@asynccontextmanager
async def nginx(origin: Origin) -> AsyncIterator[Target]:
    """A running nginx before an origin."""
    async with control(
        "nginx", origin, _configuration, lambda file: ["-p", str(file.parent), "-c", str(file)]
    ) as target:
        yield target


async def nginx_version() -> str:
    """Such as `1.22.1`."""
    return (await version("nginx", "-v")).rpartition("/")[2]

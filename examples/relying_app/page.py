"""What the app shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

SHOWN = ("name", "preferred_username", "email", "sub", "sid", "acr", "auth_time")

_FRAME = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Example app</title><style>
body {{ font: 1rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem;
        color-scheme: light dark; }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; overflow-wrap: anywhere; }}
dd {{ margin: 0; }} button, a.button {{ font: inherit; padding: .6rem 1.2rem; }}
</style></head><body><main><h1>Example app</h1>{content}</main></body></html>"""


def page(person: Mapping[str, object] | None, *, notice: str | None = None) -> str:
    """The one page: who is signed in, or the way in."""
    said = f'<p role="alert">{escape(notice)}</p>' if notice else ""
    if person is None:
        return _FRAME.format(content=f'{said}<p>Nobody is signed in.</p><p><a href="/sign-in">Sign in</a></p>')
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(str(person[name]))}</dd>" for name in SHOWN if name in person)
    more = '<p><a href="/orders">What you ordered at the shop</a></p>'
    form = '<form method="post" action="/sign-out"><button>Sign out</button></form>'
    return _FRAME.format(content=f"{said}<dl>{rows}</dl>{more}{form}")


def orders_page(orders: Sequence[object]) -> str:
    """What the shop says that the person ordered."""
    rows = "".join(f"<li><code>{escape(str(one))}</code></li>" for one in orders)
    said = f"<ol>{rows}</ol>" if rows else "<p>Nothing yet.</p>"
    return _FRAME.format(content=f'<h2>What you ordered at the shop</h2>{said}<p><a href="/">Back</a></p>')

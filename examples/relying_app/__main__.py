"""`python -m examples.relying_app`: run the app at http://app.localhost:9100 beside `munjigi up`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import uvicorn

from examples.relying_app.app import SHOP, relying_app

ISSUER = "http://localhost:9000"
ORIGIN = "http://app.localhost:9100"
SECRET_FILE = Path("var/secrets/demo-app-client.secret")


def main() -> None:
    """Read the secret from `DEMO_APP_CLIENT_SECRET`, or from the file that `munjigi up` makes, and serve."""
    secret = os.environ.get("DEMO_APP_CLIENT_SECRET")
    if secret is None:
        try:
            secret = SECRET_FILE.read_text(encoding="ascii").strip()
        except OSError as error:
            sys.exit(f"{SECRET_FILE} cannot be read ({error.strerror}): start `munjigi up` here first.")
    shop = os.environ.get("DEMO_APP_SHOP", SHOP)
    app = relying_app(issuer=ISSUER, client_id="demo-app", client_secret=secret, origin=ORIGIN, shop=shop)
    uvicorn.run(app, host="127.0.0.1", port=9100, log_level="warning")


if __name__ == "__main__":
    main()

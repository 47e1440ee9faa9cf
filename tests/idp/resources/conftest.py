"""People who are signed in, as the tests of their account have them."""

from __future__ import annotations

from tests.idp.account.conftest import app, arrive

__all__ = ["app", "arrive"]

"""What the examples of the pages are run against."""

from __future__ import annotations

from tests.idp.conftest import provider

__all__ = ["provider"]

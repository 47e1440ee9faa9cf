"""What the connections to the engines keep to themselves."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from config.connections import Database
from config.settings import Role


async def test_an_error_of_the_database_names_no_value(database: Callable[[Role], Database]) -> None:
    """Its text goes to the log, and the value may be a secret."""
    async with database("idp").connect() as tx:
        with pytest.raises(DBAPIError) as failed:
            await tx.execute(text("SELECT 1 / (length(:secret) - length(:secret))"), {"secret": "hunter2"})
    assert "division by zero" in str(failed.value)
    assert "hunter2" not in str(failed.value)

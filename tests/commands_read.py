"""Imported by the server process of `tests.commands` alone: reads all that commands need."""

from tests.commands import read_all

read_all()

"""Tests of the one history of the database."""

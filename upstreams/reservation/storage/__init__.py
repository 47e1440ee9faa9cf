"""Reservations in PostgreSQL, schema `reservation`."""

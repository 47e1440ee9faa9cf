"""Cancelling reservations."""

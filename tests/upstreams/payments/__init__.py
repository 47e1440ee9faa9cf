"""Payments: rules, providers, and what survives."""

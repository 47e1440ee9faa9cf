"""Tests of the identity admin API."""

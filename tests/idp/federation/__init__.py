"""Tests of organisations' own identity providers."""

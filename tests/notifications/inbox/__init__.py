"""Tests of the local inbox."""

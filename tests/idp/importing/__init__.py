"""Tests of `idp.importing`."""

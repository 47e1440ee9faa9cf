"""Tests of `config`: the engines, settings."""

"""Side-by-side measurements: each a ratio to a peer in one run on this machine, with the command that repeats it.

A module per group, each with `def run() -> list[Result]`; `python -m benchmarks [GROUP …]` runs them.
"""

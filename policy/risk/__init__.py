"""How odd a request is: 0 (nothing) to 100, with each signal's share.

Owns: the signals, one a file, and how they combine. Each is a pure function of an `Observation`.

Does not own: what a risk leads to; the rules and the zones of a policy say that.
"""

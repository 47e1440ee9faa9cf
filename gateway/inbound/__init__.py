"""What a request may bring in, before anybody is known.

Owns: the canonical path, the headers that stay outside, the client's address, the credentials shown, and the manner in
which it was asked (a navigation, a script, another origin). All of it is pure.

Does not own: framing (`gateway.proxy`) nor what a credential is worth (`gateway.callers`).
"""

"""How an upstream is told who asks, beside or in place of the assertion: header fields and access tokens of its own.

Owns: what an upstream may ask to be told, the values of those fields, and the tokens that are exchanged for upstreams.

Does not own: the assertion (`jose.assertion`), nor what clients may say of themselves (`gateway.inbound`).
"""

"""Which sessions live, as far as this gateway was told (S4), and which of them were active (S6).

Owns: the near cache, its lease, filling it, and the touches that go back to the identity provider.

Does not own: the truth: that is PostgreSQL's, and only the identity provider writes it.
"""

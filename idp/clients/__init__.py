"""Relying apps: what is registered of each, how it proves that it is itself, and a cache of them.

Owns: `Client`, client authentication at the endpoints that demand it, the cache that events keep true.

Does not own: what a client is granted (`grants`), nor whom it asks about (`directory`).
"""

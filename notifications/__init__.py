"""What people are told outside the pages: by mail, later by message and push.

Owns: the kinds of notices and their words in both languages, the queue in PostgreSQL, delivery with retries and dead
letters, the local catch-all inbox.

Does not own: who must be told of what (`idp.sessions`, the upstreams), and what a one-time code is (`idp.factors`).
"""

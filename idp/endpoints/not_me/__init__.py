"""The page behind the link of "this wasn't me", and what its form does.

Owns: showing who, when and where, and the one act: lock, end, forget, tell the way back in.

Does not own: the link (`idp.sessions.not_me`), locking (`idp.directory`), the way back in (`idp.credentials.recovery`).
"""

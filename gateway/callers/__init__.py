"""Who asks: from a verified token or a cookie session to what is kept of it in memory.

Owns: the checks of tokens and cookies, the identity they speak for, and the upkeep of cookie sessions.

Does not own: whether the session still lives (`gateway.sessions`) nor how one signs in (`gateway.relying_party`).
"""

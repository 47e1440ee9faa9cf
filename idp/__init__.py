"""Who you are: the OpenID provider, credentials, factors, devices, the one session of each person, tokens.

Owns: people and their organisations, how they prove who they are, the session that follows, and every token about it.

Does not own: what a person may do (`policy`), nor the door that asks (`gateway`).
"""

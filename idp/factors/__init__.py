"""What a person has: the second factors and passkeys, and which of them is asked for now.

Owns: time-based one-time passwords, passkeys and their challenges, the rule which factor an account needs.

Does not own: passwords (`credentials`), nor whether a takeover asks for a factor (`authorization.next_step`).
"""

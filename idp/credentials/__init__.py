"""What a person knows: passwords, and how often somebody may guess one.

Owns: argon2id in a bounded pool, hashes that other systems made (`legacy_hashes`), the rules for a new password, the
throttle of attempts.

Does not own: second factors and passkeys (`factors`), nor what follows from a correct password (`authorization`).
"""

"""Signatures: JWS, the keys that make them, and the assertion that goes with every request to an upstream.

Owns: the signing keys of the house (purposes `token`, `assertion`, `policy`), their rotation and storage, JWS signing
and strict verification, the upstream assertion's signer and verifier; and what others sign: their tokens, their keys,
and the sets that they publish.

Does not own: what a token says (`idp.protocol`, `idp.tokens`), what a policy version is (`policy.versions`), or
encryption at rest (`config.envelope`).
"""

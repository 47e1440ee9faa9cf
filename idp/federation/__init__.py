"""Organisations' own identity providers as a way in: this house is their relying party (OpenID Connect Core 1.0).

Owns: what is kept of an upstream provider, the question that it is asked and the check of its answer, how a sign-in
there counts here, links of its accounts to people, outbound requests to it.

Does not own: what follows from a first factor (`authorization`), nor who a person is (`directory`).
"""

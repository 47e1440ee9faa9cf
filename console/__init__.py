"""The administrators' own pages, over the APIs of the same host.

Owns: the shell (navigation, language, theme, keyboard) and, for each kind of thing, its list and its object, as modules
that ask `/api/identity` and `/api/policy` in the person's own session.

Does not own: any data, and any right. What somebody may see or do, the gateway and the APIs decide; a page that they
refuse to fill says so. People's own account is the identity provider's (`idp.endpoints.account`).
"""

"""What the gateway keeps in PostgreSQL: cookie sessions, sign-ins under way, the identity provider as last known.

Owns: the SQL of schema `gateway`. Takes a transaction and never commits.

Does not own: sessions themselves (`idp`), nor what a cookie session means (`gateway.relying_party`).
"""

"""The only place of the identity provider that knows SQL. Storages take a `Transaction` and never commit."""

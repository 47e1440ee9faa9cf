"""The rim of `policy` to PostgreSQL: `policy.version`."""

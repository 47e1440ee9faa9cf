"""The rim of `jose` to PostgreSQL: `jose.signing_key` and what it shows to everybody, `jose.public_key`."""

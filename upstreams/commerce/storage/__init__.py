"""Commerce in PostgreSQL, schema `commerce`."""

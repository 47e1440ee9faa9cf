"""The rims of `events`: the outbox in PostgreSQL, the stream and the projection in Valkey."""

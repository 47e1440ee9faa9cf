"""Stock, movements, holds and idempotency keys in PostgreSQL, in whichever schema a service gives."""

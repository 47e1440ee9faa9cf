"""Messages in PostgreSQL, as the worker `mail` takes them. Takes transactions, never commits."""

"""The one history of the database: a revision per owner and step, up and down, without any extension."""

"""The rim of `audit` to PostgreSQL. Roles may INSERT and SELECT; nobody may UPDATE, DELETE or TRUNCATE."""

"""Embedded PostgreSQL and Valkey: real servers, run as children of one process, on unix sockets under `var/`.

Owns: where their programs are, the operating system's account that they run as, their folders, how each is prepared,
started, found ready and stopped, and that none of them outlives the process that started it.

Does not own: what is in them (migrations, demo data), and engines that run elsewhere: with `database.url` and
`valkey.url` set, nothing here is used.
"""

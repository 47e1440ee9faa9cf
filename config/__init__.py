"""What the outside world hands a process.

Owns: settings, the clock, entropy, logs, connections to PostgreSQL and Valkey, the embedded engines, the key space
in Valkey, sealed secrets at rest, and the files that ship with the product (policy, routes, demo data).

Does not own: anything of identity, policy or trade. `config` imports nothing else of the house.
"""

"""Where a request leads: host and path -> zone, upstream and demands.

Owns: the route table, its checks, and taking a changed one up while running.

Does not own: what a zone demands of people (`policy`).
"""

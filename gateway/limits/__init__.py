"""How much anybody may ask for, and what gives way when there is more than this process can do.

Owns: rates (of a person, a client, an address, a route) counted here and settled with all nodes through Valkey, the
bound on one address's connections, the least pace of slow clients, and shedding under overload.

Does not own: sizes and times of the data path (`gateway.proxy.limits`), nor what a person may do at all (`policy`).
"""

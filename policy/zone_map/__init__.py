"""The map of zones: what each demands, what lies in it, who enters, and what may call into what.

Owns: the map as data, made of a policy and the gateway's route table, and as a picture.

Does not own: the route table (`gateway.routes` reads and checks it; here it is only looked at), nor any decision.
"""

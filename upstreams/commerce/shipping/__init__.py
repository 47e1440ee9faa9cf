"""How each seller delivers: its methods and what they cost, parcels and where they are.

Owns: fees as rules over region, weight and sum of goods; shipments, whole or in parts, and their tracking.

Does not own: the order's state, which follows from its shipments (`commerce.ordering.states`).
"""

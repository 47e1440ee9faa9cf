"""The services behind the gateway.

Owns: `commerce` (products, sellers, orders) and `reservation` (requests, holds, results), each with its own schema,
role and socket; `trade`, the one stock and hold code of both; `door`, how either is reached.

Does not own: who somebody is and what they may do. A service knows the gateway only by its signed assertion. `commerce`
and `reservation` use `trade` and `door`, never each other.
"""

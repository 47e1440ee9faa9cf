"""Paying for a reservation before it is confirmed.

Owns: which reservation may be paid for, what follows from what the payment provider says.

Does not own: the payment itself, its states and its provider (`upstreams.trade.payments`).
"""

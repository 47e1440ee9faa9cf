"""Whose money it is: every movement as entries that sum to 0, written in the transaction of what causes it.

Owns: how a payment is split among sellers and the house, how that is undone, invoices, payouts.

Does not own: the movements at the provider (`upstreams.trade.payments`).
"""

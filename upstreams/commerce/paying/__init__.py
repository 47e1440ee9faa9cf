"""Paying for a purchase before it is delivered: by card or wallet at the provider, or by bank transfer.

Owns: which purchase may be paid for, what follows from what the provider says, transfers as a provider of their own.

Does not own: the payment itself, its states and its providers (`upstreams.trade.payments`).
"""

"""Cancelling a reservation, whole or in part: until when, for what fee, and what goes back to whom.

Owns: the rules of deadlines and fees, the one transaction that cancels, what its person is told.

Does not own: how stock comes back (`upstreams.reservation.changes`), how money does (`upstreams.trade.payments`).
"""

"""From what is wanted to what was delivered: one purchase, one order per seller, each with its own life.

Owns: purchases, seller orders and their states, placing, cancelling and sending back, where it is delivered to.

Does not own: stock and holds (`upstreams.trade`), money (`commerce.paying`, `commerce.ledger`), parcels
(`commerce.shipping`).
"""

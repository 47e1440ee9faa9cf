"""The shop: what is sold, by whom, how many are left, and what was bought.

Owns: products, their types and states, SKUs, sellers and offers, the stock of what is sold at once, purchases with one
order per seller, the shop's pages.

Does not own: how stock is held and counted (`upstreams.trade`), what is reserved (`upstreams.reservation`).
"""

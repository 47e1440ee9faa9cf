"""The keeping of stock: what arrives, what is put right or moved, what runs low, and the proof that counts are true.

Owns: the acts of whoever keeps a warehouse, forecasts from the rate of sale, warnings, the nightly proof.

Does not own: counts and movements themselves (`upstreams.trade`), what an order takes (`upstreams.commerce.ordering`).
"""

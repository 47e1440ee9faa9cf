"""The catalogue: what the shop offers, in which categories, with which options, and what its pictures show.

Owns: products and their texts, categories, types and the attributes that they ask for, options and their combinations,
pictures, offers, prices.

Does not own: the states of a product (`upstreams.commerce.lifecycle`), counts (`upstreams.trade`), how it is found
(`upstreams.commerce.search`).
"""

from __future__ import annotations

from upstreams.commerce.catalogue.offers import SALE, Catalogue, Offer, Picture, Product, Texts

__all__ = ["SALE", "Catalogue", "Offer", "Picture", "Product", "Texts"]

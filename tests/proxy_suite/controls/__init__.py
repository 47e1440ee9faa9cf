"""Gateways of others, started as a careful operator would have them."""

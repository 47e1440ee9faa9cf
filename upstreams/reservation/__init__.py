"""Reservations: asked for by many at once, decided in order of arrival, told as soon as they are decided.

Owns: requests and their order, the stock of what can be reserved, holds, reservations and their cancellation, the queue
in Valkey and the workers that empty it, the websocket that tells results.

Does not own: how a batch meets the shelves (`upstreams.trade`), what is sold at once (`upstreams.commerce`).
"""

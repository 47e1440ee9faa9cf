"""The life of a product: from planning to its end, its versions, and who works on it.

Owns: states and which follow which, what entering one demands and does, events, versions, teams, how long each state
took and how late a launch was, launches at a moment that was set.

Does not own: what a product is and costs (`upstreams.commerce.catalogue`).
"""

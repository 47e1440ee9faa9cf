"""What a reverse proxy must get right, tried from outside: a gateway by its URL, and an origin that records every byte.

`python -m tests.proxy_suite` runs it against any gateway; `tests.proxy_suite.table` against ours, nginx and HAProxy.
Nothing here knows how a gateway is made: what one claims, and what it takes to get through it, stands in a
description (`target`).
"""

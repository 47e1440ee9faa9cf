"""Doors for other proxies: nginx, Traefik, Envoy and HAProxy ask here whether a request may pass.

Owns: a listener of its own for them, what each says of the request that it holds, and how each is told the verdict.

Does not own: what is allowed (`gateway.pipeline`, the same as behind the gateway's own proxy), nor the way to the
service and whatever lives on there: a connection that a proxy let through is that proxy's, and nothing here closes it.
"""

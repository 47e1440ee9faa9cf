"""The data path: bytes of a client's connection in, bytes of an upstream's connection out.

Owns: strict parsing and framing of requests and responses, pools of upstream connections, streaming with back-pressure,
websockets, time and size limits, the drain at the end. It stays synchronous: a warm request costs no task and no wait.

Does not own: what is allowed (`gateway.pipeline`, asked through `gateway.exchange`), nor the gateway's own pages (a
Starlette application, called for an `OwnPage`).
"""

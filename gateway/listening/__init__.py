"""The client's side before HTTP begins: TLS, and the certificates on both ends of it.

Owns: which certificates the gateway shows and asks for, and taking new ones up while it runs.

Does not own: what is said over a connection (`gateway.proxy`), or what a certificate is good for (`policy`, tokens).
"""

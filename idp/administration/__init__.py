"""What administrators ask of the identity provider, as an API behind the gateway: people, sessions, deliveries.

Does not own: the pages that use it (`console`), and what people do for themselves (`idp.endpoints.account`).
"""

"""What administrators ask of the identity provider, as an API behind the gateway: people, sessions, organisations,
deliveries.

Owns: the endpoints under `/api/identity`, who may use them and how far they see, and their OpenAPI document.

Does not own: the pages that use it (`console`), what people do for themselves (`idp.endpoints.account`), how a session
ends (`idp.sessions`) or an account is locked (`idp.directory`), nor who the caller is: the gateway's signed assertion
says that.
"""

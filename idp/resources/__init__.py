"""APIs of others: which there are (RFC 8707), their scopes, and what people read of each. Not who may have them."""

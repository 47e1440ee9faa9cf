"""Money that is asked for, taken, and given back, through a provider that holds the cards.

Owns: what is asked of a provider (`provider`), the two providers there are (`sandbox_provider`, `toss`), the states of
a payment and of a refund as pure rules, how their changes are driven, tried again and buried, the signature of
webhooks, and the sandbox: a provider as a process of its own, for whoever has no contract yet.

Does not own: what is paid for (whoever asks says so by `Affairs`), and card data, which never comes here: people type
it at the provider's page.
"""

"""The web's rim of the identity provider: the only place here that knows requests and answers.

Owns: the OpenID Connect endpoints, the dispatcher, the pages of the login, the person's own pages.

Does not own: any rule. An endpoint opens a transaction, loads, asks a pure function, saves, and answers.
"""

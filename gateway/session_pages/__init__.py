"""The gateway's own pages, on every host under `/.munjigi/`: sign-in, its callback, sign-out, the state of the session,
and the script by which any page behind the gateway tells its person that the session ends or has ended.

Owns: these addresses, their templates, messages and script.

Does not own: the acts behind them (`gateway.relying_party`), nor whether a session lives (`gateway.sessions`).
"""

"""One session per person: its beginning, its idle clock, its takeover, its end (sessions S1, S2, S3, S6).

Owns: `Session`, the rules of its times, `OneSession` (the only writer of sessions), the worker that carries activity
in, and telling relying parties and subscribers of an end (S8): deliveries, logout tokens, `signals`, the worker
`logout`; the links of "this wasn't me".

Does not own: how the person was authenticated (`factors`), which page asks them (`endpoints`), nor how gateways and
open pages hear of an end (`events` carries it there).
"""

"""What happened, told once and reliably.

Owns: the outbox that a transaction writes to, the one fenced relay that carries it to the event stream and keeps the
projection of sessions in Valkey, and the subscription by which every process follows the stream.

Does not own: what an event means (its writer does, docs/house.md lists them) nor what is done with it (its reader
does).
"""

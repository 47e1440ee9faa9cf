"""What became of each exchange: counted, logged and traced, beside the way.

Owns: the counts and durations by route, the access log, W3C trace context and the spans that are exported.

Does not own: what was decided, and why (`gateway.decision.decision_log`), which is evidence and never left out.
"""

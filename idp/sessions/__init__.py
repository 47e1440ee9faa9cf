"""One session per person: its beginning, its idle clock, its takeover, its end (sessions S1, S2, S3, S6).

Owns: `Session`, the rules of its times, `OneSession` (the only writer of sessions), the workers that carry activity in
and sweep out what has expired.

Does not own: how the person was authenticated (`factors`), which page asks them (`endpoints`), nor who is told of an
end (`events` carries it there).
"""

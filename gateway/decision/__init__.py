"""From facts to an answer: the question is put to `policy`, and put again for as long as what it let in lives on.

Owns: facts, the judge, enforcement, the log of decisions, and the connections that outlive theirs (S5).

Does not own: what is allowed (`policy.decide`).
"""

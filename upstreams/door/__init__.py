"""How the services behind the gateway are reached, and how they answer.

Owns: the entrance (assertion, correlation id, health), the person behind a request, protection of forms, errors as a
page or as a problem.

Does not own: who somebody is and what they may do: the gateway decided that before the request came here.
"""

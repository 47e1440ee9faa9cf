"""How the services behind the gateway are reached, and how they answer.

Owns: the person behind a request, protection of forms, what the decision obliges to, errors as a page or as a problem.

Does not own: the entrance itself (`jose.entrance`), nor who somebody is and what they may do: the gateway decided that
before the request came here.
"""

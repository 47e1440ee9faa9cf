"""Where devices approve what is wanted on another: their pages, their stream, their service worker.

Owns: `/approvals`, for browsers that people set up to approve. It needs no session: a person has one at most, which may
live elsewhere, or not yet. The browser's device cookie shows the question; its key alone answers.

Does not own: what goes on by an approval (the pages of the login, of the account, and CIBA), nor the enrolment, which
the account has.
"""

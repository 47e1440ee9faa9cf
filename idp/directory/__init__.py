"""Who there is: people, the names they sign in by, organisations, and who belongs where in which roles.

Owns: `Account`, `Organisation`, `Membership`, the normal form of a login name, what storage must answer about them.

Does not own: how a person proves who they are (`credentials`, `factors`), nor what a role may do (`policy`).
"""

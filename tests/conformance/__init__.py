"""What the modules of the OpenID Foundation's conformance plans do, done to the provider: a test bears a module's name.

The suite itself is a service elsewhere that wants a public host. `docs/conformance.md` says what becomes of each plan.
"""

"""Automatic responses: what happens in the house is answered by a measure, at once and for a time.

Owns: the table of responses, which incident calls for which, and the worker that takes them.

Does not own: what a measure is and when it may be taken (`policy.overlay`), nor what is an incident: the audit says it.
"""

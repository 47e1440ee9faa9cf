"""The device grant at the web's rim: where a device asks, and where its person answers.

Owns: `POST /device_authorization` and the page `/device` with its words.

Does not own: the rules of what waits (`grants.pending`), nor the login that leads to the page.
"""

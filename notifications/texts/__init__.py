"""Text messages: what they say, and how they are handed to whoever carries them.

Owns: the words of a text, the protocol of a provider and the providers that are known, receipts of delivery.

Does not own: the queue and its retries (`notifications.courier`), nor who may be sent a text
(`idp.credentials.text_guard`).
"""

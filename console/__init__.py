"""The console: web pages over the services' APIs, for administrators.

Does not own: any rule or data; whatever it shows or does, an API answers for it.
"""

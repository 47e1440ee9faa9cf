"""The door: a reverse proxy that decides every request, and the same decision as a service for other proxies.

Owns: the data path, the route table, near caches, the browser's cookie sessions, the pages at `/.munjigi/`.

Does not own: who somebody is (`idp`, known by its tokens and events) nor what is allowed (`policy`, asked here).
"""

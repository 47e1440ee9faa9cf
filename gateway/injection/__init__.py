"""The script of the session, put into the pages of a route that asks for it, while they stream by.

Owns: which answers are pages, where in a page the script goes, and what becomes of the headers that speak of the page's
bytes or of its scripts. All of it is pure.

Does not own: the script (`gateway.session_pages`), framing and back-pressure (`gateway.proxy`).
"""

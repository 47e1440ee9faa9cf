"""Reservations on the web: asked for, read, confirmed, cancelled, and told over a websocket."""

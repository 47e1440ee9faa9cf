"""Client libraries that others wrote sign people in: what relying apps have, over real sockets."""

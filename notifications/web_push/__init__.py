"""Messages to browsers by the Web Push standard: how they are encrypted, who says that they are ours, how they go out.

Owns: message encryption (RFC 8291 over RFC 8188), the sender's identification (RFC 8292), one post (RFC 8030) and what
its answer means.

Does not own: what is told, to whom, and when: whoever has something to tell keeps it, and carries it by this.
"""

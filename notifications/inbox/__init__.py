"""The local catch-all inbox of `munjigi up`: where mails go that would have gone out, while no mail server is set.

Owns: taking mails by SMTP, keeping the newest of them in memory, showing them on a page and to tests.

Does not own: delivery (`notifications.delivery`), which knows this inbox as a mail server like any other. It listens on
loopback alone, since whoever can read it can read sign-in codes; it is not started where `mail.server` is set.
"""

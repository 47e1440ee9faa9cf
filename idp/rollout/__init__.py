"""The programme that leads people from passwords to several factors, and to none to remember: what there is today, who
is asked for what and when, how far they are, and what it cost them.

It owns no factor and no login: it says what a login asks for, and reads what logins left behind.
"""

"""The `munjigi` command: one service, all of them under a supervisor, migrations, demo data, and a doctor.

Owns: how processes are started, found healthy and stopped, and what the person at the terminal is told.

Does not own: what a service does. Every service offers `serve(settings, ready, stop)`; everything here stands on that.
"""

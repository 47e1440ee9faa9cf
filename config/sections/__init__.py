"""The sections of the settings, by what they are about. `config.settings` reads them all, as one."""

"""The programme that leads people from passwords to MFA and passwordless."""

"""The programme that leads an organisation's people from passwords to MFA and then passwordless.

Owns: programmes and their phases, what acts take a phase from one state to the next (`phases`), who belongs to a cohort
(`cohorts`), what all of it demands of one person at one login (`demands`), exceptions, notices on and around dates
(`reminders`), the shipped template.

Does not own: the factors that are set up (`idp.factors`), nor the pages that lead there (`idp.endpoints.enrol`).
"""

"""What a signed-in person sees and changes of their own: sessions, devices, factors, history, apps, notices, language.

Does not own: what administrators do for them (`idp.administration`).
"""

"""Whether the risk of sign-ins tells people from who poses as them, on generated people and generated attacks.

Generated data shows that the method works; how well it works in the field, only the field shows.
"""

"""What somebody means to buy: of a guest, who bears it in a sealed cookie, or of a person, who has one everywhere.

Owns: the cart's items, its merging at sign-in, what it would cost seller by seller.

Does not own: what is promised of it: nothing is held before an order is placed.
"""

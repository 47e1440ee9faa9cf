"""Who sells: a vendor applies, the house's administrator approves or refuses, and from then on it has terms.

Owns: applications and their states, who may act for a seller, the commission that is taken of its goods.

Does not own: what it offers (`commerce.catalogue`), how it delivers (`commerce.shipping`), what it is owed
(`commerce.ledger`).
"""

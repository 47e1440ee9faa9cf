"""How odd a sign-in is for the person whose name it gives: 0 (as always) to 100, with each feature's share.

Owns: the features, the profile that a person's former sign-ins make, the population that all of them make, the
likelihood ratio of Freeman et al. (NDSS 2016), and half-space trees (Tan, Ting, Liu: IJCAI 2011) beside it. All pure.

Does not own: where sign-ins are kept, and what a risk leads to.
"""

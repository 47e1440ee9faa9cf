"""Search: what a person types, in Korean or English, and the products that it means.

Owns: words and how they are taken apart, what is forgiven of typing, facets and their counts, the order of results,
suggestions, keeping the index near what there is.

Does not own: what a product is (`upstreams.commerce.catalogue`), how many are left now (`upstreams.trade`).
"""

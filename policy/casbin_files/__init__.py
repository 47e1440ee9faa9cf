"""Casbin's own files, a `model.conf` with its `policy.csv`: taken over into our document, and written from it.

`reading` takes them over, all or nothing; `writing` makes files that the stock enforcer loads and decides alike by.
`model`, `matcher` and `values` are the parts of reading. What a line means is what the stock pycasbin makes of it.
"""

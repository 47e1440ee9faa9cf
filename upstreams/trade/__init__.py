"""What commerce and reservation do alike: stock, holds, money, and doing a thing once however often it is asked.

Owns: the rules by which a batch of baskets meets the shelves, the tables of stock, movements and holds in a service's
own schema, amounts in minor units, idempotency keys.

Does not own: what is sold or reserved, to whom, and how that is told.
"""

"""The sandbox: a payment provider as a process of its own, for whoever has no contract with a real one yet.

It has its own page where cards are typed, its own books in a file, an API of its own, and the API of Toss Payments as
it is documented, so that the adapter for that one can be tried without a contract, too. Certain cards make it fail in
every way in which providers do (`cards`).

It listens on loopback alone, and no real card belongs here.
"""

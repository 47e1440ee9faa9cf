"""From the authorization request to the code: the dispatcher, the pages that it leads to, what they share.

Owns: the steps of a login as HTTP, the browser's side of it (hops, cookies), and who arrives (`arrivals`).

Does not own: the rules of the next step (`idp.authorization`), the sign-in page (`sign_in`).
"""

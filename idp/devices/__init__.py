"""From which browser, on which machine, in which place a person comes, and how far that is trusted.

Owns: the device cookie, the label of a browser and of a place, `Device` and the rise of its trust.

Does not own: what a device's trust permits (`policy`).
"""

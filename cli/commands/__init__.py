"""Groups of commands (`munjigi clients …`): what may be said to them; what they do is in the rooms beside.

What a command needs is imported when that command runs, so that each starts fast.
"""

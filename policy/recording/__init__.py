"""Recorded decisions made findable: copies of what stands in the audit's segments, by the id that people are shown.

Owns: blocks of records with what is needed to find them, the worker that copies them from the segments of its machine,
and looking one up, or many.

Does not own: the record itself. That is the segment (`audit.segments`), which only its writer appends to and the chain
seals; a copy is forgotten after some days, and says whether it is what was sealed.
"""

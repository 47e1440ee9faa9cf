"""What went wrong, in words: one stable catalogue of codes, and its help pages.

Owns: for every code of the house (`MJ-…`) what happened, what it means, what to do, in both languages, in `words/`, a
file per room; the pages that tell it, with whom to ask; the same words for every other page (`t("help.MJ-….title")`),
for the documentation, and, held by a test, for what programs are answered.

Does not own: the kinds of errors themselves, which stand beside the code that raises them (`config.problem`).
"""

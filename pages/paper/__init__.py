"""Reports on paper (PDF): headings, sentences, bars with their figures, tables, in both languages.

It owns how a report looks when it is printed, as the stylesheet owns how a page looks; what a report says, its
caller says.
"""

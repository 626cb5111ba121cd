"""The meaning of Redcat a second time: a plain batch evaluation, written from the rules and not from the core.

It holds everything in memory, looks at all records at once and computes each answer from scratch.  It shares no
line with `streams`, so that the two can only agree by both being right.
"""

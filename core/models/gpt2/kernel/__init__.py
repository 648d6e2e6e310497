"""The kernel in C that does a whole step on the processor: its source, how it is built and called.

Must never be needed: plain torch computes the same where no compiler is found.
"""

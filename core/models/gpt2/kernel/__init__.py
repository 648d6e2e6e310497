"""The native kernel for the processor: its C source, how it is built, how it is called.

Must never be needed: plain torch computes the same where no compiler is found.
"""

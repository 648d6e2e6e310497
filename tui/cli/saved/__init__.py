"""Commands for what was saved: sessions listed and deleted, runs in other formats or run again.

Must never write over what it cannot read.
"""

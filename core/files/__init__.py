"""Files of anywhere, read within bounds and written whole or not at all.

Must never know what a file is about.
"""

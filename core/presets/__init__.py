"""presets.yaml, its named settings and their keys: found, read, checked, written.

Must never run what a file says, nor change a byte of it that nobody asked to change.
"""

"""Settings under transformers' names, and presets.yaml: found, read, checked, written.

Must never run what a file says, nor change a byte of it that nobody asked to change.
"""

"""The prompt: its line, its frame, its tokens.

Must never draw what a run would not read.
"""

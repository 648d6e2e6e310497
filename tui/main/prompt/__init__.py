"""The line where a prompt is typed: what it goes on from, its tokens, earlier prompts.

Must never draw what a run would not read.
"""

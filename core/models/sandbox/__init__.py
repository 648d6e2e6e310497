"""A model's own tokenizer rules and chat template, run in a child process that can be stopped.

Must never let them compute in this process.
"""

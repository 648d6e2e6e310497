"""What is computed for a model's folder in a child process that can be stopped.

Must never let a model's template or tokenizer rules compute in this process.
"""

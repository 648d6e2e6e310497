"""What a model is: its tokenizer, configuration, modules and sizes, as one report.

Must never load weights to tell of them.
"""

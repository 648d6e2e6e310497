"""What lies in a model's folder, read as untrusted data before anything is built from it.

Must never run code that came with a model, nor unpickle.
"""

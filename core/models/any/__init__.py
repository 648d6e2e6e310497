"""Every architecture that transformers itself knows.

Must never import code from a model's folder.
"""

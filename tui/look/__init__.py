"""Themes, computed colours, and the appearance that is remembered.

Must never look at a page.
"""

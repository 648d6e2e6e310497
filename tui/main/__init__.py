"""The main page: the document, the selected step, presets, prompt and status.

Must never hold state: it draws the playground that it is given.
"""

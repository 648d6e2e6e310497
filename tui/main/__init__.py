"""The main screen and its parts.

Must never hold state: it draws the playground that it is given.
"""

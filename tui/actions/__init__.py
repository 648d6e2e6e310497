"""What a person can do and with which keys: one table, which all that names a key reads.

Must never do anything itself, nor import the app or a screen: those read the table.
"""

"""The two faces of the program, the app in the terminal and the command line.

Must never decide what ``core`` can decide, nor compute with a model.
"""

"""The command line as typer reads it, with help and complaints in the program's own words.

Must never import a command.
"""

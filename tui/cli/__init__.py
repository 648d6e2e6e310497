"""The command line: one command a file or room, options and streams.

Must never import textual but to start the app.
"""

"""The command line: one command a file, options, streams, sentences.

Must never import textual but to start the app.
"""

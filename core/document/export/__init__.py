"""Runs on their way into files and back: JSON Lines, CSV, Markdown, HTML, tables.

Must never let a model's text mean anything in the format that it is written in.
"""

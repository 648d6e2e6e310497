"""The terminal app: widgets, screens and the command line."""

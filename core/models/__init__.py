"""Models behind one small contract; see ``base``."""

"""The frozen records that every room reads, from settings to steps, and ``PlaygroundError``.

Must never import anything but the standard library: whoever reads a record needs nothing else.
"""

"""The frozen records that every room reads, from settings to steps, and the one exception.

Must never import anything but the standard library: whoever reads a record needs nothing else.
"""

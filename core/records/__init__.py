"""The frozen records that cross a border: steps, scores, messages, reports, and the one exception.

Must never import anything but the standard library: whoever reads a record needs nothing else.
"""

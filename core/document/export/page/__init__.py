"""Runs as one page of HTML that stands alone, and asks nothing of any network.

Must never let a text mean anything in HTML, nor run anything but its own script.
"""

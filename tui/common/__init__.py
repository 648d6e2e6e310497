"""What several pages draw with: steps and beams as rows, lists, dialogs, the bar of keys.

Must never know a page.
"""

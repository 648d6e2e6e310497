"""What the app knows and decides, for whatever face it has.

Must never touch a widget: it is told what a person did, and says what changed.
"""

"""Where a person types or pastes: what is put in comes out to the letter.

Must never draw a character that a terminal would obey.
"""

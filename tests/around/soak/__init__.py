"""Random use of the program in a real terminal, for as long as one likes: ``make soak``.

Must never press what asks a network, or what ends the program before its time.
"""

"""The generator behind the playground: settings, decoding, models, and the records they yield.

Must never import ``tui``, textual or rich: everything here also runs headless and in tests.
"""

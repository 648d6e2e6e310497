"""Models behind one small contract: found, loaded onto a device, asked for logits.

Must never choose a token, apply a setting, or run code that came with a model. ``base`` is the
contract, ``loading`` the way in.
"""

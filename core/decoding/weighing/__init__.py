"""From the logits of one step to what can be chosen: every setting's effect, with its record.

Must never run a model, or change logits in place.
"""

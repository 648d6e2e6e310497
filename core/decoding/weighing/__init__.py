"""One step's logits to what can be chosen: what temperature, top_k, top_p and the others do.

Must never run a model, or change logits in place.
"""

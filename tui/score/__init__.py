"""The page of a scored text: what each token cost, and who could have written it.

Must never wait for the model.
"""

"""Rebuilds the bundled model: the grammar, its corpus, the tokenizer and the weights.

Every sentence the model learns from is written in this package (``data/*.txt``) and put together
by a seeded grammar; no text comes from elsewhere and nothing is downloaded. The package is not
part of the installed program, and the program must never import it.
"""

import os

# Threads that wait for each other should sleep: on a machine with other work to do, threads that
# spin make training several times slower. Read when torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

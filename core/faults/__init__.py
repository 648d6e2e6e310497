"""What nobody expected: told in one sentence, and written down for whoever mends it.

Must never write down anyone's text: no message of an exception, no locals, no arguments, no
environment.
"""

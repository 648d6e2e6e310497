"""What is looked at beside the document: its steps more closely, and other runs side by side.

Must never change the document, nor hold up its run.
"""

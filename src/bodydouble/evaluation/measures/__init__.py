"""What is measured on an original and a result: each measure sees pairs of frames and leaves counts that add up.

Imports nothing heavy; ``base`` is the vocabulary, one module per measure beside it.
"""

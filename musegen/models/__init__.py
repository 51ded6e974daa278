"""Sequence models: the families behind one contract (`base`), and honest older baselines.

Models know the vocabulary of events and nothing else: no files, no corpora, no clocks.
"""

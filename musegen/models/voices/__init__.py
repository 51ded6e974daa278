"""Four voices on a grid: what was counted in other pieces and in this one, weighed and corrected by a network.

The model of table P1 (`musegen benchmark jsb16 --model voices`). `features` says what a cell may depend on, `counting`
counts, `network` learns how far to trust each count.
"""

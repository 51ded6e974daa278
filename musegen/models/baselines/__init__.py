"""Models without a network: the floors that every network has to beat. No torch."""

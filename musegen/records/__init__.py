"""The published tables, made again: recipes that train a model and measure it, runs that are kept, the tables."""

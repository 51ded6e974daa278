"""Drawing new music from a trained model: temperatures, constraints, seeded and repeatable."""

"""Floor 2: how good a prediction is, in numpy and scipy."""

"""Floor 1: what a train.yaml may say, read strictly, with the origin of every value."""

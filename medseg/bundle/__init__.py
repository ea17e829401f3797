"""Floor 2: find, read, validate and build from a MONAI bundle."""

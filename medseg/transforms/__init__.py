"""Floor 2: what MONAI lacks: patches that hold foreground, replayable augmentation, a cache."""

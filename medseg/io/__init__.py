"""Floor 1: files to volumes and back."""

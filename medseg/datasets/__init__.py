"""Floor 2: folder conventions to studies."""

"""Floor 2: find, read, check and build a bundle. Import from the modules: read and find need no torch, build does."""

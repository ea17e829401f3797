"""Floor 3: what a run leaves behind: folder, tracking, pictures, progress."""

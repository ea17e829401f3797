"""Floor 0: words, geometry and errors; numpy and the standard library only."""

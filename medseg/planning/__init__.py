"""Floor 2: from what a data set holds to a bundle that fits it; numbers and text alone, without torch."""

"""Floor 3: training and inference on plain arguments, with torch and MONAI."""

"""From scanner output to a checked segmentation, on MONAI."""

__version__ = "0.1.0"

"""In which formats a segmentation is written."""

from __future__ import annotations

from typing import Literal, get_args

Format = Literal["nifti", "dicom-seg", "dicom-sr"]
FORMATS: tuple[Format, ...] = get_args(Format)
SEG_TYPES = ("binary", "labelmap")  # DICOM PS3.3 C.8.20.2: segmentation types
SEG_COMPRESSIONS = ("none", "rle", "jpegls", "j2k")

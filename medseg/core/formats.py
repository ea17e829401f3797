"""In which formats a segmentation is written."""

from __future__ import annotations

from typing import Literal, get_args

Format = Literal["nifti", "dicom-seg", "dicom-sr"]
SegType = Literal["binary", "labelmap"]  # DICOM PS3.3 C.8.20.2: segmentation types
Compression = Literal["none", "rle", "jpegls", "j2k"]
FORMATS: tuple[Format, ...] = get_args(Format)
SEG_TYPES: tuple[SegType, ...] = get_args(SegType)
SEG_COMPRESSIONS: tuple[Compression, ...] = get_args(Compression)

"""Rows of the table of series: values, codings, damaged files, and what lies beside the images."""

from __future__ import annotations

import dicom_bytes as b
import dicom_codings as c
import dicom_headers as h
import dicom_pixels as x
from dicom_bytes import after, beside, cut_at, cut_by, cut_to, last_of, replaced, to_all, to_one
from dicom_case import corner, no, ok, values, warn
from dicom_codings import compressed
from dicom_headers import both, each, odd, on_all, on_one
from pydicom.uid import JPEGLSLossless, JPEGLSNearLossless, RLELossless

_LOSSY = {"LossyImageCompression": "01", "LossyImageCompressionRatio": "4.2"}
_TEXT_SLOPE = replaced(b"DS\x02\x001 ", b"DS\x02\x00x ")
VALUES = {
    "a slope for each slice": ok(change=x.own_slopes),
    "values below 0": ok(change=on_all(x.as_signed), differs=values(lambda array: array - 500)),
    "twelve bits with a sign": ok(change=on_all(x.as_signed_twelve_bits), differs=values(lambda array: array - 500)),
    "an overlay in the unused bits": ok(change=on_all(x.with_overlay_bits)),
    "bits at the upper end": no(("undecodable", "pixel_format_differs"), "HighBit", change=on_all(x.left_aligned)),
    "8 bits": ok(change=on_all(x.as_eight_bits), differs=values(lambda array: array >> 4)),
    "MONOCHROME1": warn("monochrome1", "MONOCHROME1", change=each(PhotometricInterpretation="MONOCHROME1")),
    "padding in CT": warn("padding", "padding", change=on_all(x.padded(-2000)), modality="CT", differs=corner(-1024)),
    "padding in MR": warn("padding", "padding", change=on_all(x.padded(-2000)), differs=corner(0)),
    "padding announced and not there": ok(change=on_all(lambda one: one.add_new("PixelPaddingValue", "US", 60000))),
    "MR 1 + 0 said": ok(change=each(RescaleSlope="1", RescaleIntercept="0")),
    "CT without rescale": no(
        "rescale_absent", "RescaleSlope", change=each(RescaleSlope=None, RescaleIntercept=None), modality="CT"
    ),
    "CT without intercept": no("rescale_absent", change=each(RescaleIntercept=None), modality="CT"),
    "one CT slice without rescale": no(
        "rescale_absent", r"005\.dcm", change=odd(RescaleSlope=None, RescaleIntercept=None), modality="CT"
    ),
    "one MR slice without the slope of the others": no(
        "rescale_absent", r"005\.dcm", change=both(x.own_slopes, odd(RescaleSlope=None, RescaleIntercept=None))
    ),
    "text as slope of a CT": no("rescale_absent", damage=to_all(_TEXT_SLOPE), modality="CT"),
    "text as slope of an MR": no(
        "rescale_absent", change=each(RescaleSlope="1", RescaleIntercept="0"), damage=to_all(_TEXT_SLOPE)
    ),
    "a lookup table for values": no(
        "rescale_absent", "LUT", change=on_all(lambda one: one.add_new("ModalityLUTSequence", "SQ", [])), modality="MR"
    ),
    "NaN as slope": no(("values_not_finite", "rescale_absent"), change=odd(RescaleSlope="nan", RescaleIntercept="0")),
    "infinity as slope": no("values_not_finite", r"000\.dcm", change=each(RescaleSlope="inf", RescaleIntercept="0")),
    "a slope beyond float32": no("values_not_finite", change=each(RescaleSlope="1e300", RescaleIntercept="0")),
    "slope 0": no("values_not_finite", change=each(RescaleSlope="0", RescaleIntercept="5")),
    "a name in Cyrillic": ok(change=each(PatientName="Ёлкин^Пётр")),
    "an unknown character set": ok(change=each(SpecificCharacterSet="ISO_IR 999")),
    "lossy in its past": warn("lossy", "4.2", change=each(**_LOSSY)),
}

CODINGS = {
    "implicit little endian": ok(damage=to_all(c.as_implicit)),
    "big endian": ok(damage=to_all(c.as_big_endian)),
    "big endian CT": ok(damage=to_all(c.as_big_endian), modality="CT"),
    "deflated": ok(damage=to_all(c.as_deflated)),
    "RLE": ok(damage=to_all(compressed(RLELossless))),
    "JPEG lossless": ok(damage=to_all(c.as_jpeg_lossless)),
    "JPEG-LS": ok(damage=to_all(compressed(JPEGLSLossless))),
    "JPEG 2000": ok(damage=to_all(c.as_jpeg2000)),
    "JPEG 2000 CT": ok(damage=to_all(c.as_jpeg2000), modality="CT"),
    "JPEG 2000, values below 0": ok(
        change=on_all(x.as_signed),
        damage=to_all(c.as_jpeg2000),
        differs=values(lambda array: array - 500),
    ),
    "JPEG 2000 in fragments": ok(damage=after(to_all(c.as_jpeg2000), to_all(c.fragmented))),
    "JPEG-LS in fragments": ok(damage=after(to_all(compressed(JPEGLSLossless)), to_all(c.fragmented))),
    "one slice coded unlike the others": ok(damage=to_one(compressed(RLELossless))),
    "JPEG-LS, nearly lossless": warn(
        "lossy", change=each(**_LOSSY), damage=to_all(compressed(JPEGLSNearLossless, jls_error=3)), atol=3
    ),
    "JPEG 2000, lossy": warn("lossy", change=each(**_LOSSY), damage=to_all(c.as_lossy_jpeg2000), atol=60),
    "JPEG baseline": warn(
        "lossy",
        "JPEG Baseline",
        change=on_all(x.as_eight_bits),
        damage=to_all(c.as_jpeg_baseline),
        differs=values(lambda array: array >> 4),
        atol=12,
    ),
    "a film": no(("undecodable", "truncated"), damage=to_all(c.of_syntax("1.2.840.10008.1.2.4.100"))),
    "a coding no one knows": no("undecodable", "1.2.3.4.5", damage=to_all(c.of_syntax("1.2.3.4.5"))),
}

DAMAGE = {
    "a file cut in half": no(("truncated", "unreadable"), r"005\.dcm", damage=to_one(cut_to(0.5))),
    "two bytes short": no("truncated", r"005\.dcm.*2302 of 2304", damage=to_one(cut_by(2))),
    "cut before the pixels": no("truncated", r"005\.dcm", damage=to_one(cut_by(2304 + 12))),
    "cut in the header": no(("truncated", "unreadable", "position_absent"), r"005\.dcm", damage=to_one(cut_at(900))),
    "the last slice cut in the header": no("truncated", r"011\.dcm", damage=last_of(cut_at(900))),
    "the last slice damaged in its header": no(("truncated", "unreadable"), r"011\.dcm", damage=last_of(b.overwritten)),
    "cut after the magic word": no(("truncated", "unreadable"), r"005\.dcm", damage=to_one(cut_at(132))),
    "fewer pixels than rows": no("truncated", r"005\.dcm", change=odd(PixelData=bytes(200))),
    "more pixels than rows": ok(change=on_all(lambda one: setattr(one, "PixelData", one.PixelData + bytes(64)))),
    "no pixels": no("truncated", r"005\.dcm", change=odd(PixelData=None)),
    "pixels of no length": no("truncated", r"005\.dcm", change=odd(PixelData=b"")),
    "RLE cut short": no(
        ("truncated", "unreadable"), r"005\.dcm", damage=after(to_all(compressed(RLELossless)), to_one(cut_by(60)))
    ),
    "JPEG-LS cut short": no(
        ("truncated", "unreadable"), r"005\.dcm", damage=after(to_all(compressed(JPEGLSLossless)), to_one(cut_by(60)))
    ),
    "JPEG 2000 cut short": no(
        ("truncated", "unreadable"), r"005\.dcm", damage=after(to_all(c.as_jpeg2000), to_one(cut_by(60)))
    ),
    "JPEG 2000 cut short within its frame": no(
        "truncated", r"005\.dcm", damage=after(to_all(c.as_jpeg2000), to_one(b.short_frame(0.5)))
    ),
    "JPEG-LS cut short within its frame": no(
        "truncated", r"005\.dcm", damage=after(to_all(compressed(JPEGLSLossless)), to_one(b.short_frame(0.7)))
    ),
    "JPEG 2000 of a larger picture": no("truncated", r"005\.dcm", damage=to_one(b.larger_picture)),
    "JPEG 2000 without its last bytes": no(
        "truncated", r"005\.dcm", damage=after(to_all(c.as_jpeg2000), to_one(b.short_frame(0.97)))
    ),
    "compression that the header hides": no("truncated", r"005\.dcm", damage=to_one(c.as_hidden_rle)),
    "a file of zero bytes": no("empty_file", r"005\.dcm", "0 bytes|empty", damage=to_one(cut_at(0))),
    "a file of zero bytes beside all slices": no("empty_file", damage=beside("IM9999", content=b"")),
    "a file of zero bytes in another folder": ok(damage=beside("other/IM9999", content=b"")),
    "a damaged header": no(("unreadable", "truncated"), r"005\.dcm", damage=to_one(b.overwritten)),
    "junk after the magic word": no(
        ("unreadable", "truncated"), "junk", damage=beside("junk.dcm", content=bytes(128) + b"DICM" + b"\x9d" * 300)
    ),
    "a slice that is a dead link": no(("unreadable", "slice_missing"), r"005\.dcm", damage=to_one(b.dangling)),
    "a bomb": no("too_large", "MiB", "inflate", damage=to_one(b.bomb)),
    "65535 rows and columns": no("too_large", "65535", "GiB", change=each(Rows=65535, Columns=65535)),
    "no rows": no(("too_large", "size_differs", "truncated"), "Rows", change=each(Rows=0)),
    "no Rows at all": no("truncated", "header", change=each(Rows=None)),
    "no BitsAllocated": no(("truncated", "pixel_format_differs", "undecodable"), change=odd(BitsAllocated=None)),
    "13 bits allocated": no(("truncated", "undecodable"), change=each(BitsAllocated=13)),
}

FOLDERS = {
    "other files beside": ok(damage=beside("notes.txt", "Thumbs.db", ".DS_Store", "._000.dcm", "README", "a.json")),
    "a PDF, an archive and a picture beside": ok(
        damage=after(beside("a.pdf", content=b"%PDF-1.7\n" * 50), beside("b.zip", "c.jpg", content=b"PK\3\4" * 99))
    ),
    "a DICOMDIR beside": ok(damage=b.directory_beside("DICOMDIR")),
    "a DICOMDIR of another name beside": ok(damage=b.directory_beside("index.dcm")),
    "no preamble": warn("no_preamble", "preamble", damage=to_all(b.without_preamble)),
    "no preamble and no meta header": warn("no_preamble", damage=to_all(b.without_meta)),
    "no extension": ok(damage=to_all(b.without_extension)),
    "nested folders": ok(damage=b.nested),
    "shuffled names": ok(damage=b.shuffled),
    "no InstanceNumber": ok(change=each(InstanceNumber=None), damage=b.shuffled),
    "InstanceNumber in reverse": ok(change=h.numbered(InstanceNumber=lambda n: 12 - n)),
    "the same InstanceNumber": ok(change=each(InstanceNumber="1")),
    "text as InstanceNumber": ok(change=on_one(h.text_in("InstanceNumber", "one"))),
}

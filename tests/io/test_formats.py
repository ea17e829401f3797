from pathlib import Path

import pytest

from medseg.core.errors import FileError
from medseg.io.formats import READERS, format_of, is_readable, reader_of, study_stem


@pytest.mark.parametrize("ending", READERS)
def test_every_format_is_known_by_its_ending_in_any_case(ending: str) -> None:
    assert format_of(Path(f"a.b/P1.v2{ending}")) == ending
    assert format_of(Path(f"P1{ending.upper()}")) == ending
    assert study_stem(Path(f"a.b/P1.v2{ending}")) == "P1.v2"
    assert reader_of(Path(f"P1{ending}")) is READERS[ending]


@pytest.mark.parametrize("name", ["P1.jpg", "P1.gz", "nii", ".nii.gz", "P1.nii.gz.txt"])
def test_another_ending_is_refused_with_the_known_ones(name: str) -> None:
    assert not is_readable(Path(name))
    with pytest.raises(FileError, match=r"unknown file format; files ending in \.nii, \.nii\.gz, \.png.*are read"):
        format_of(Path(name))

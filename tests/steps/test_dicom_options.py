import pytest

from medseg.bundle.find import find_bundle
from medseg.bundle.read import read_bundle
from medseg.core.errors import UsageError
from medseg.steps.dicom_options import DicomOptions, check_used
from medseg.steps.jobs import Job


def test_a_channel_that_the_bundle_does_not_have_is_refused_with_those_it_has() -> None:
    bundle = read_bundle(find_bundle("brats_unet3d"))
    DicomOptions(series={"flair": "4"}).check_channels(bundle)
    with pytest.raises(UsageError, match="bundle 'brats_unet3d' has no channel 'pet'; it has t1, t1c, t2, flair"):
        DicomOptions(series={"pet": "4"}).check_channels(bundle)


def test_options_for_dicom_are_not_passed_over_where_there_is_none() -> None:
    nifti = Job("a", (), {}, lambda: None, lambda *_: None)  # type: ignore[arg-type, return-value]
    check_used(DicomOptions(), [nifti])
    check_used(DicomOptions(series={"t1": "1"}), [])
    with pytest.raises(UsageError, match="--series, --resample-tilt: for DICOM input"):
        check_used(DicomOptions(series={"t1": "1"}, resample_tilt=True), [nifti])

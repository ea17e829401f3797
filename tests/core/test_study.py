from pathlib import Path

from medseg.core.study import ChannelFile, Study


def test_files_name_each_file_once_with_the_label_last() -> None:
    shared = Path("image.nii")
    study = Study("S", "P", {"t1": ChannelFile(shared, 0), "t2": ChannelFile(shared, 1)}, Path("label.nii"))
    assert study.files() == [shared, Path("label.nii")]


def test_a_study_without_a_label_has_its_images_alone() -> None:
    assert Study("S", "P", {"ct": ChannelFile(Path("ct.nii"))}).files() == [Path("ct.nii")]

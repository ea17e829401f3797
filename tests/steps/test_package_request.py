import importlib.util
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medseg.core.errors import UsageError
from medseg.steps.package_request import PackageRequest, check_request


@pytest.fixture
def plain(tmp_path: Path) -> PackageRequest:
    """A request that nothing is wrong with."""
    return PackageRequest(run="run", output=tmp_path / "new" / "liver-1.2.0.zip")


def faults(request: PackageRequest) -> list[str]:
    """What is said of it, a line each."""
    with pytest.raises(UsageError) as raised:
        check_request(request)
    title, *lines = str(raised.value).splitlines()
    assert title == f"package: {len(lines)} fault{'s' if len(lines) > 1 else ''}"
    return [line.strip() for line in lines]


def without(*absent: str) -> Callable[..., Any]:
    """``find_spec`` where these packages are not installed."""
    found = importlib.util.find_spec
    return lambda name, package=None: None if name in absent else found(name, package)


def test_a_request_without_a_fault_passes_and_leaves_nothing_behind(plain: PackageRequest, tmp_path: Path) -> None:
    check_request(plain)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["x.zip", "x.ZIP", "x", "liver-1.2.0", "liver_v2", "liver-1.2.0-rc1", "liver-1.2.0+site"]
)
def test_a_zip_or_a_folder_may_be_written_and_a_version_may_end_its_name(plain: PackageRequest, name: str) -> None:
    check_request(replace(plain, output=plain.output.with_name(name)))


@pytest.mark.parametrize("name", ["x.tar.gz", "x.pt", "x.json", "x.zip.tmp"])
def test_another_kind_of_file_is_refused_with_its_ending(plain: PackageRequest, name: str) -> None:
    output = plain.output.with_name(name)
    (fault,) = faults(replace(plain, output=output))
    assert fault == f"--output '{output}' ends in {output.suffix}; a package is a .zip or a folder"


@pytest.mark.parametrize("kind", ["file", "folder", "link that leads nowhere"])
def test_what_is_there_is_not_replaced(plain: PackageRequest, tmp_path: Path, kind: str) -> None:
    output = tmp_path / "x.zip"
    {"file": output.touch, "folder": output.mkdir}.get(kind, lambda: output.symlink_to(tmp_path / "nowhere"))()
    (fault,) = faults(replace(plain, output=output))
    assert fault.startswith(f"--output '{output}' exists; a package that was handed on does not change")


def test_the_folder_that_one_is_in_exists(plain: PackageRequest) -> None:
    (fault,) = faults(replace(plain, output=Path()))
    assert fault.startswith("--output '.' exists")


def test_a_place_below_a_file_cannot_be_written(plain: PackageRequest, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (fault,) = faults(replace(plain, output=tmp_path / "file" / "deep" / "x.zip"))
    assert f"'{tmp_path / 'file'}' is no folder that you may write into" in fault


def test_a_folder_that_may_not_be_written_into_is_named(
    plain: PackageRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)  # root may write anywhere
    (fault,) = faults(plain)
    assert f"'{tmp_path}' is no folder that you may write into" in fault


def test_every_fault_is_told_at_once(plain: PackageRequest, tmp_path: Path) -> None:
    output = tmp_path / "x.pt"
    output.touch()
    gone = tmp_path / "gone"
    wrong = replace(
        plain,
        output=output,
        quantize="int8",
        golden=gone,
        data=gone,
        data_licence=gone,
        limits=gone,
        sign=gone,
        evaluation=gone,
        tracking_uri="ftp://x",
    )
    told = faults(wrong)
    assert [fault.split()[0] for fault in told] == [
        *("--output", "--output", "--quantize", "--golden", "--data", "--golden"),
        *("--data-licence", "--limits", "--sign", "--evaluation", "--tracking-uri"),
    ]
    assert f"--limits '{gone}' does not exist" in told


def test_ranges_to_quantize_by_need_quantize(plain: PackageRequest, tmp_path: Path) -> None:
    (fault,) = faults(replace(plain, calibrate=tmp_path))
    assert "--quantize and --calibrate stand together" in fault


def test_a_licence_of_no_scan_and_a_scan_of_no_licence_are_refused(plain: PackageRequest, tmp_path: Path) -> None:
    assert faults(replace(plain, golden_licence="CC0")) == ["--golden-licence is that of a scan given with --golden"]
    (fault,) = faults(replace(plain, golden=tmp_path))
    assert "--golden needs --golden-licence" in fault


@pytest.mark.parametrize("option", ["data_licence", "limits", "sign"])
def test_a_folder_is_no_file(plain: PackageRequest, tmp_path: Path, option: str) -> None:
    (fault,) = faults(replace(plain, **{option: tmp_path}))
    assert fault == f"--{option.replace('_', '-')} '{tmp_path}' is no file"


def test_terms_that_are_no_text_are_refused_before_they_are_needed(plain: PackageRequest, tmp_path: Path) -> None:
    (tmp_path / "terms.doc").write_bytes(b"\xd0\xcf\x11\xe0")
    (fault,) = faults(replace(plain, data_licence=tmp_path / "terms.doc"))
    assert fault == f"--data-licence '{tmp_path / 'terms.doc'}' is no text in UTF-8; save it as plain text"


@pytest.mark.parametrize("option", ["data", "golden", "calibrate", "data_licence", "limits", "sign", "evaluation"])
def test_a_name_that_is_too_long_does_not_exist(plain: PackageRequest, option: str) -> None:
    beside = {"golden": {"golden_licence": "CC0"}, "calibrate": {"quantize": "int8"}}.get(option, {})
    (fault,) = faults(replace(plain, **{option: Path("x" * 5000)}, **beside))
    assert fault.endswith(("x' does not exist", "x' is no folder of an evaluation"))


def test_an_address_that_nothing_can_be_sent_to_is_refused_before_the_package_is_made(plain: PackageRequest) -> None:
    (fault,) = faults(replace(plain, tracking_uri="mlruns"))
    assert fault.startswith("--tracking-uri 'mlruns': is a folder or file")
    check_request(replace(plain, tracking_uri="mlruns", tracking=False))  # nobody asks for it


@pytest.mark.parametrize(
    ("absent", "request_", "told"),
    [
        (("cyclonedx",), {}, "a bill of materials needs cyclonedx: pip install 'medseg[package]'"),
        (("onnx",), {"exports": ("torchscript", "onnx")}, "--export onnx needs onnx: pip install 'medseg[onnx]'"),
        (("onnx", "openvino"), {"exports": ("pt2",)}, ""),
        (
            ("onnx", "openvino"),
            {"exports": ("onnx",), "quantize": "int8", "calibrate": Path()},
            "--quantize int8 needs onnx, openvino: pip install 'medseg[onnx,openvino]'",
        ),
    ],
)
def test_what_is_not_installed_is_named_with_its_extra(
    plain: PackageRequest,
    monkeypatch: pytest.MonkeyPatch,
    absent: tuple[str, ...],
    request_: dict[str, Any],
    told: str,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", without(*absent))
    request = replace(plain, **request_)
    if told:
        assert faults(request) == [told]
    else:
        check_request(request)

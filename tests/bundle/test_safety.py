from typing import Any

import pytest

from medseg.bundle.safety import safety_faults, stock_line_faults, target_fault


def test_a_bundle_of_plain_values_and_stock_classes_is_safe(inference: dict[str, Any]) -> None:
    assert safety_faults(inference) == []


def test_an_expression_outside_the_four_parts_is_no_fault(inference: dict[str, Any]) -> None:
    inference["run"] = ["$@evaluator.run()"]
    assert safety_faults(inference) == []


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("$__import__('os').system('true')", "runs code"),
        ("%other.yaml::x", "copies from other files"),
        ("/data/run#3", "becomes '::'"),
        ("user@host", "may only stand first"),
        ("@device", "not a plain value"),
        ("@nothing", "refers to nothing"),
        ("@preprocessing", "in postprocessing alone"),
        ("1e-3", "write a dot"),
    ],
)
def test_a_text_that_is_more_than_text_is_named_by_its_key(inference: dict[str, Any], value: str, reason: str) -> None:
    inference["network_def"]["norm"][1]["affine"] = value
    (fault,) = safety_faults(inference)
    assert fault.startswith("network_def.norm.1.affine: ")
    assert reason in fault


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "builtins.eval",
        "monai.transforms.io.array.os.system",
        "monai.bundle.run",
        "monai.apps.download_url",
        "monai.utils.Path",
        "monai.transforms.Lambdad",
        "monai.transforms.RandLambdad",
        "monai.transforms.TorchVisiond",
        "monai.transforms.RandFlipd",
        "monai.transforms.LoadImaged",
        "monai.transforms.SaveImage",
        "monai.transforms.WriteFileMappingd",
        "Spacingd",
        "monai.transforms.Spacingd\n",
        "medseg.transforms.patch.os.System",
        3,
        None,
    ],
)
def test_a_target_that_does_more_than_compute_is_refused(target: Any) -> None:
    assert target_fault(target, "preprocessing")


@pytest.mark.parametrize(
    ("target", "part"),
    [
        ("monai.transforms.Spacingd", "preprocessing"),
        ("monai.networks.nets.DynUNet", "network_def"),
        ("torch.nn.ReLU", "network_def"),
        ("medseg.networks.tiny.TinyNet", "network_def"),
        ("monai.inferers.SliceInferer", "inferer"),
        ("monai.transforms.KeepLargestConnectedComponentd", "postprocessing"),
    ],
)
def test_a_class_that_computes_is_allowed_in_its_part(target: str, part: str) -> None:
    assert target_fault(target, part) is None


def test_a_network_is_not_allowed_among_transforms() -> None:
    assert target_fault("monai.networks.nets.UNet", "preprocessing")


def test_a_second_reader_of_files_is_refused(inference: dict[str, Any]) -> None:
    transforms = inference["preprocessing"]["transforms"]
    transforms.append(dict(transforms[0], reader="os.system"))
    assert safety_faults(inference)[0].startswith("preprocessing.transforms.3._target_: LoadImaged is not allowed")


def test_a_target_hidden_in_arguments_is_found(inference: dict[str, Any]) -> None:
    inference["postprocessing"]["transforms"][0]["other"] = {"deep": [{"_target_": "os.system"}]}
    (fault,) = safety_faults(inference)
    assert fault.startswith("postprocessing.transforms.0.other.deep.0._target_: 'os.system'")


@pytest.mark.parametrize("key", ["_mode_", "_requires_", "_disabled_"])
def test_other_keys_of_monai_s_parser_are_refused(inference: dict[str, Any], key: str) -> None:
    inference["inferer"][key] = "callable"
    assert safety_faults(inference)[0].startswith(f"inferer.{key}: ")


def test_weights_from_the_network_are_refused(inference: dict[str, Any]) -> None:
    inference["network_def"]["pretrained"] = True
    assert "never from the network" in safety_faults(inference)[0]


def test_every_fault_is_listed(inference: dict[str, Any]) -> None:
    inference["network_def"]["_target_"] = "os.system"
    inference["inferer"]["overlap"] = "$0.5"
    assert len(safety_faults(inference)) == 2


def test_a_stock_line_that_reaches_for_the_system_is_named() -> None:
    lines = {
        "initialize": ["$__import__('os').system('x')", "$monai.utils.set_determinism(seed=0)"],
        "run": ["$@x.run()"],
    }
    (fault,) = stock_line_faults(lines)
    assert fault.startswith("initialize.0: '$__import__('os').system('x')' reaches for the system")

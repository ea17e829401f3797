import pickle
from pathlib import Path

import pytest
import torch

from medseg.bundle.weights import load_weights, save_weights
from medseg.core.errors import BundleError, OutputError


def _network(width: int = 3) -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Linear(2, width), torch.nn.BatchNorm1d(width))


def test_weights_come_back_as_they_were_saved(tmp_path: Path) -> None:
    source, target = _network(), _network()
    save_weights(source.state_dict(), tmp_path / "models" / "model.pt")
    load_weights(target, tmp_path / "models" / "model.pt")
    assert all(
        torch.equal(a, b) for a, b in zip(source.state_dict().values(), target.state_dict().values(), strict=True)
    )


def test_saved_weights_do_not_drag_the_storage_they_are_a_view_of(tmp_path: Path) -> None:
    save_weights({"a": torch.zeros(1_000_000)[:2]}, tmp_path / "model.pt")
    assert (tmp_path / "model.pt").stat().st_size < 10_000


def test_a_layer_under_two_names_is_saved_once(tmp_path: Path) -> None:
    layer = torch.nn.Linear(300, 300)
    both, single = torch.nn.ModuleDict({"a": layer, "b": layer}), torch.nn.ModuleDict({"a": layer})
    for name, module in (("both", both), ("single", single)):
        save_weights(module.state_dict(), tmp_path / name)
    assert (tmp_path / "both").stat().st_size < 1.02 * (tmp_path / "single").stat().st_size
    saved = torch.load(tmp_path / "both", weights_only=True)
    assert all(torch.equal(saved[key], value) for key, value in both.state_dict().items())


def test_half_precision_is_read_into_full(tmp_path: Path) -> None:
    source, target = _network(), _network()
    halves = {key: value.half() if value.is_floating_point() else value for key, value in source.state_dict().items()}
    save_weights(halves, tmp_path / "model.pt")
    load_weights(target, tmp_path / "model.pt")
    assert target[0].weight.dtype == torch.float32
    assert torch.equal(target[0].weight, halves["0.weight"].float())


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(tmp_path: Path, value: float) -> None:
    state = _network().state_dict()
    state["0.bias"][1] = value
    save_weights(state, tmp_path / "model.pt")
    with pytest.raises(BundleError, match=r"no numbers: 1 tensors \(0\.bias\)"):
        load_weights(_network(), tmp_path / "model.pt")


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"is missing\. Train the bundle"):
        load_weights(_network(), tmp_path / "model.pt")


def test_weights_of_another_network_are_counted_and_three_named(tmp_path: Path) -> None:
    save_weights({"0.weight": torch.zeros(3, 2), "9.weight": torch.zeros(1)}, tmp_path / "model.pt")
    with pytest.raises(BundleError, match=r"do not belong together") as caught:
        load_weights(_network(), tmp_path / "model.pt")
    assert "6 missing (0.bias, 1.weight, 1.bias and 3 more)" in str(caught.value)
    assert "1 unexpected (9.weight)" in str(caught.value)


def test_weights_of_another_width_are_named_with_both_shapes(tmp_path: Path) -> None:
    save_weights(_network(4).state_dict(), tmp_path / "model.pt")
    with pytest.raises(BundleError, match=r"0\.weight \(4, 2\) for \(3, 2\)"):
        load_weights(_network(), tmp_path / "model.pt")


class _Payload:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("raise SystemExit('ran')",))


def test_a_file_that_would_run_code_is_refused_without_running_it(tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(pickle.dumps({"a": _Payload()}))
    with pytest.raises(BundleError, match="damaged or hold more than tensors"):
        load_weights(_network(), tmp_path / "model.pt")


@pytest.mark.parametrize("size", [0, 10, 500])
def test_a_truncated_file_is_refused(tmp_path: Path, size: int) -> None:
    path = tmp_path / "model.pt"
    save_weights(_network().state_dict(), path)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(BundleError, match="damaged"):
        load_weights(_network(), path)


def test_a_training_checkpoint_is_no_state_dict(tmp_path: Path) -> None:
    torch.save({"network": _network().state_dict(), "epoch": 3}, tmp_path / "model.pt")
    with pytest.raises(BundleError, match="no plain state dict"):
        load_weights(_network(), tmp_path / "model.pt")


def test_a_folder_that_cannot_be_written_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file", encoding="utf-8")
    with pytest.raises(OutputError, match="Cannot write"):
        save_weights({}, tmp_path / "models" / "model.pt")

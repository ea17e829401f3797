import pytest
import torch

from medseg.core.errors import UsageError
from medseg.engine import device
from medseg.engine.device import Precision, choose_device, choose_precision, peak_memory_gib

CPU, CUDA = torch.device("cpu"), torch.device("cuda", 0)


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch):
    def pretend(count: int) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)

    return pretend


def test_auto_takes_the_gpu_where_there_is_one(gpus) -> None:
    gpus(0)
    assert choose_device("auto") == CPU
    gpus(2)
    assert choose_device("auto") == CUDA


def test_each_process_takes_its_own_gpu_unless_one_is_named(gpus) -> None:
    gpus(4)
    assert choose_device("cuda", local_rank=3) == torch.device("cuda", 3)
    assert choose_device("cuda:1", local_rank=3) == torch.device("cuda", 1)


@pytest.mark.parametrize("text", ["cuda", "cuda:0", "mps", "tpu", "cpu:x", ""])
def test_a_device_this_machine_lacks_is_refused_with_those_it_has(
    text: str, gpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpus(0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(UsageError, match=r"this machine has cpu; choose one of these or auto"):
        choose_device(text)


def test_a_gpu_number_that_does_not_exist_is_refused_with_the_count(gpus) -> None:
    gpus(2)
    with pytest.raises(UsageError, match=r"--device cuda:5: this machine has 2 CUDA device"):
        choose_device("cuda:5")


@pytest.mark.parametrize(("native", "name"), [(True, "bf16"), (False, "fp32")])
def test_auto_precision_is_bf16_where_the_cpu_computes_it(
    native: bool, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "_has_bf16", lambda _: native)
    assert choose_precision("auto", CPU).name == name


def test_a_named_precision_is_taken() -> None:
    assert choose_precision("bf16", CPU) == Precision("bf16", "cpu")
    assert choose_precision("fp16", CUDA).needs_scaler
    assert not choose_precision("fp32", CUDA).needs_scaler


def test_fp16_on_a_cpu_is_refused_with_the_reason() -> None:
    with pytest.raises(UsageError, match="about 100 times slower than fp32"):
        choose_precision("fp16", CPU)


def test_autocast_runs_a_layer_in_its_precision() -> None:
    layer, x = torch.nn.Linear(2, 2), torch.ones(1, 2)
    for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        with Precision(name, "cpu").autocast():
            assert layer(x).dtype == dtype


def test_peak_memory_is_at_least_what_is_held_now() -> None:
    held = torch.ones(2**26)  # 256 MiB
    assert held.numel() * 4 / 2**30 < peak_memory_gib(CPU) < 64

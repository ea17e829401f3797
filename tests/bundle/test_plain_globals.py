from medseg.bundle.plain_globals import PLAIN_GLOBALS


def test_the_names_are_those_that_torch_takes_once_monai_is_loaded() -> None:
    import monai.data  # noqa: F401 - it tells torch of four classes of its own
    import torch
    from torch._weights_only_unpickler import _get_allowed_globals

    added = {f"{one.__module__}.{one.__qualname__}" for one in torch.serialization.get_safe_globals()}
    assert {name for name in PLAIN_GLOBALS if not name.startswith("monai.")} == set(_get_allowed_globals())
    assert {name for name in PLAIN_GLOBALS if name.startswith("monai.")} == {one for one in added if "monai" in one}

import json
import subprocess
import sys

import pytest

from medseg.core.lean_import import NOT_NEEDED, SCIENTIFIC, hidden


def test_hidden_packages_are_as_if_not_installed_and_come_back() -> None:
    assert "colorsys" not in sys.modules or sys.modules.pop("colorsys")
    with hidden(["colorsys"]), pytest.raises(ModuleNotFoundError):
        __import__("colorsys")
    assert __import__("colorsys").rgb_to_hsv(1.0, 1.0, 1.0) == (0.0, 0.0, 1.0)


def test_what_is_imported_already_stays() -> None:
    with hidden(["json"]):
        assert __import__("json") is json


def test_an_error_brings_them_back_too() -> None:
    with pytest.raises(ValueError, match="any"), hidden(["colorsys", "no_such_package"]):
        raise ValueError("any")
    assert sys.modules.get("no_such_package", "absent") == "absent"


def test_monai_comes_without_them_and_segments_all_the_same() -> None:
    script = (
        "import sys; from medseg.core.lean_import import import_monai_lean, NOT_NEEDED; import_monai_lean();"
        "import monai.transforms, monai.inferers, monai.networks.nets;"
        "loaded = [name for name in NOT_NEEDED if name in sys.modules];"
        "import pandas, matplotlib, pydicom;"
        "import json; print(json.dumps([loaded, pandas.__name__]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded, pandas = json.loads(done.stdout.splitlines()[-1])
    assert loaded == []
    assert pandas == "pandas"
    assert not {*NOT_NEEDED} & {*SCIENTIFIC}


@pytest.mark.parametrize("plain", [True, False])
def test_components_need_scientific_packages_and_say_so(plain: bool) -> None:
    script = (
        f"from medseg.core.lean_import import import_monai_lean; import_monai_lean(plain={plain});"
        "import sys, torch; from monai.transforms import KeepLargestConnectedComponent as Keep;"
        "assert 'pydicom' not in sys.modules;"
        "print(int(Keep()(torch.tensor([[[1, 1, 0, 1]]])).sum()))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ("Skimage.measure required" in done.stderr, done.stdout.strip()) == ((True, "") if plain else (False, "2"))

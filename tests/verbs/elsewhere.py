"""What other programs do with a package, MONAI and torch alone; a test starts this where `import medseg` fails.

Called with the package's folder, a scan and a folder for what each program makes of it. The readers do what those of
MONAI Label and MONAI Deploy's bundle operator do, as far as it can be told from their sources: take the chains apart by
name, put in a volume of their own, and expect one channel of small whole numbers on the scan's grid.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from monai.bundle import ConfigParser, load, verify_net_in_out
from monai.data import MetaTensor
from monai.transforms import Compose, LoadImage


def main(root: Path, scan: Path, output: Path) -> None:
    output.mkdir(parents=True)
    image = LoadImage(ensure_channel_first=True, image_only=True)(scan)
    said = {
        "load": type(load_module(root)).__name__,
        "label": like_label(root, image, output / "label.npy"),
        "deploy": like_deploy(root, image, output / "deploy.npy"),
        "program": largest_difference_of_program(root),
    }
    verify_net_in_out(
        net_id="network_def",
        meta_file=str(root / "configs" / "metadata.json"),
        config_file=str(root / "configs" / "inference.json"),
    )
    print(json.dumps(said))


def load_module(root: Path) -> object:
    return load(name=root.name, bundle_dir=str(root.parent), workflow_type="inference", source="github")


def like_label(root: Path, image: MetaTensor, path: Path) -> list[int]:
    """inference.yaml, weights in model.pt, its own reader and writer; names from metadata.json."""
    parser, metadata = ConfigParser(), json.loads((root / "configs" / "metadata.json").read_text())
    parser.read_config(str(root / "configs" / "inference.yaml"))
    parser["device"] = "$torch.device('cpu')"
    given, made = (next(iter(metadata["network_data_format"][side])) for side in ("inputs", "outputs"))
    network = parser.get_parsed_content("network_def")
    network.load_state_dict(torch.load(root / "models" / "model.pt", weights_only=True))
    return segment(parser, network.eval(), given, made, image, path)


def like_deploy(root: Path, image: MetaTensor, path: Path) -> list[int]:
    """inference.json, weights in model.ts, no bundle_root."""
    parser, metadata = ConfigParser(), json.loads((root / "configs" / "metadata.json").read_text())
    parser.read_config(str(root / "configs" / "inference.json"))
    given, made = (next(iter(metadata["network_data_format"][side])) for side in ("inputs", "outputs"))
    network = torch.jit.load(root / "models" / "model.ts", map_location="cpu").eval()
    return segment(parser, network, given, made, image, path)


def segment(parser: ConfigParser, network: object, given: str, made: str, image: MetaTensor, path: Path) -> list[int]:
    before, after = (parser.get_parsed_content(name) for name in ("preprocessing", "postprocessing"))
    inferer = parser.get_parsed_content("inferer")
    chains = [Compose([one for one in chain.transforms if not is_file_work(one)]) for chain in (before, after)]
    # Invertd knows the chain it undoes as the one it was made with.
    before.transforms = chains[0].transforms
    data = before({given: MetaTensor(image.clone(), meta=dict(image.meta))})
    with torch.no_grad():
        pred = inferer(data[given][None], network)[0]
    data[made] = MetaTensor(pred, meta=data[given].meta)
    label = chains[1](data)[made]
    assert label.shape[0] == 1
    array = np.asarray(label.cpu()[0])
    assert np.array_equal(array, array.astype(np.uint8))
    np.save(path, array.astype(np.uint8))
    return list(array.shape)


def is_file_work(transform: object) -> bool:
    name = type(transform).__name__
    return "LoadImage" in name or "SaveImage" in name


def largest_difference_of_program(root: Path) -> float:
    """Of model.pt2 from the network, on two shapes that it was not written with."""
    parser = ConfigParser()
    parser.read_config(str(root / "configs" / "inference.json"))
    network = parser.get_parsed_content("network_def")
    network.load_state_dict(torch.load(root / "models" / "model.pt", weights_only=True))
    network.eval()
    program = torch.export.load(root / "models" / "model.pt2").module()
    differences = []
    for shape in ((1, 1, 48, 40, 56), (3, 1, 24, 64, 32)):
        noise = torch.randn(shape, generator=torch.Generator().manual_seed(1))
        with torch.no_grad():
            differences.append(float((network(noise) - program(noise)).abs().max()))
    return max(differences)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))

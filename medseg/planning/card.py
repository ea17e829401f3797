"""The other files of a planned bundle: metadata.json, the card, the licences, and the fingerprint itself."""

from __future__ import annotations

import json
from typing import Any

from medseg.core.errors import OutputError
from medseg.core.in_words import times
from medseg.planning.evaluate_text import evaluate_text
from medseg.planning.inference_text import candidates_in_words, inference_text, is_single, label_list
from medseg.planning.plan import Plan
from medseg.planning.train_text import train_text

_SCHEMA = "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/meta_schema_20240725.json"
# What the bundle was written for; as in constraints.txt.
VERSIONS = {"monai": "1.6.1", "torch": "2.13.0", "numpy": "2.4.6"}
PACKAGES = {"nibabel": "5.4.2", "pytorch-ignite": "0.5.5", "fire": "0.7.1", "PyYAML": "6.0.3"}

_LICENSE = """\
SPDX-License-Identifier: Apache-2.0

The configuration files in this folder were written by medseg. They are licensed under the Apache License, Version 2.0
(the "License"); you may not use them except in compliance with the License. You may obtain a copy of the License at

    https://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, files distributed under the License are distributed on an
"AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the License for the specific
language governing permissions and limitations under the License.

Weights trained with them also depend on the licence of the data: see docs/data_license.txt.
"""


def bundle_files(plan: Plan) -> dict[str, str]:
    """Path within the bundle to text, for every file of a bundle; equal plans give equal bytes."""
    fingerprint = {"data": plan.data.as_json(), "postprocessing_candidates": postprocessing_candidates(plan)}
    return {
        "LICENSE": _LICENSE,
        "configs/metadata.json": _json(metadata(plan)),
        "configs/inference.yaml": inference_text(plan),
        "configs/train.yaml": train_text(plan),
        "configs/evaluate.yaml": evaluate_text(plan),
        "configs/fingerprint.json": _json(fingerprint),
        "docs/README.md": card(plan),
        "docs/data_license.txt": data_license(plan),
    }


def postprocessing_candidates(plan: Plan) -> dict[str, dict[str, Any]]:
    """Label name to what may be tried on validation studies: "keep_largest", and from which share of single parts."""
    return {
        label.name: {
            "keep_largest": is_single(plan, value),
            "single_part_share": round(plan.data.labels[value].single, 4),
        }
        for value, label in zip(plan.values, plan.labels, strict=True)
    }


def metadata(plan: Plan) -> dict[str, Any]:
    """Content of metadata.json."""
    labels = {"0": "background"} | {str(n): label.name for n, label in enumerate(plan.labels, 1)}
    written = {"0": "background"} | {
        str(value): label.name for value, label in zip(plan.values, plan.labels, strict=True)
    }
    size = [f"{n}*n" if n > 1 else "n" for n in plan.fit.network.divisor]
    channels = {str(n): channel.name for n, channel in enumerate(plan.channels)}
    classes = ", ".join(["0 background", label_list(plan)])
    source = plan.data.source
    label_map = _tensor(plan, ["*"] * len(size), {"0": "label map"}, "segmentation", [0, max(plan.values)], patch=False)
    return {
        "schema": _SCHEMA,
        "name": plan.options.name,
        "version": "0.1.0",
        "changelog": {"0.1.0": "planned from data; not trained yet"},
        "monai_version": VERSIONS["monai"],
        "pytorch_version": VERSIONS["torch"],
        "numpy_version": VERSIONS["numpy"],
        "required_packages_version": PACKAGES,
        "task": f"Segmentation of {', '.join(label.name for label in plan.labels)}",
        "description": f"{plan.fit.network.in_words}. Planned and trained with medseg; runs with MONAI alone.",
        "authors": "planned by medseg",
        "copyright": "see LICENSE; weights: see docs/data_license.txt",
        "intended_use": "Research; a qualified reader checks every result. Not a medical device.",
        "data_source": source.reference or source.title,
        "data_type": "nibabel",
        "image_classes": f"{', '.join(source.channels)}; modality {source.modality}",
        "label_classes": classes,
        "pred_classes": classes,
        "eval_metrics": {},
        "references": [source.reference] if source.reference else [],
        "channel_aliases": {channel.name: list(channel.aliases) for channel in plan.channels if channel.aliases},
        "network_data_format": {
            "inputs": {"image": _tensor(plan, size, channels, "magnitude", [-100, 100], patch=True)},
            "outputs": {"pred": _tensor(plan, size, labels, "segmentation", [-1000, 1000], patch=True)},
            "post_processed_outputs": {"pred": {**label_map, "dtype": "uint8", "label_def": written}},
        },
    }


def _tensor(
    plan: Plan, size: list[str], names: dict[str, str], kind: str, values: list[int], *, patch: bool
) -> dict[str, Any]:
    modality = {"modality": plan.data.source.modality} if kind == "magnitude" else {}
    return {
        "type": "image",
        "format": kind,
        **modality,
        "num_channels": len(names),
        "spatial_shape": size,
        "dtype": "float32",
        "value_range": values,
        "is_patch_data": patch,
        "channel_def": names,
    }


def card(plan: Plan) -> str:
    """Text of docs/README.md."""
    name, data = plan.options.name, plan.data
    spacing = times(f"{length:g}" for length in plan.spacing_mm if length > 0)
    window = times(plan.window)
    lines = [
        f"# {name}",
        "",
        f"Outlines {', '.join(label.name for label in plan.labels)}. Planned by medseg from {data.studies} studies of "
        f"{data.source.title}.",
        "",
        "| | |",
        "| --- | --- |",
        f"| Input | {', '.join(channel.name for channel in plan.channels)} ({data.source.modality}) |",
        f"| Output | {label_list(plan)} on the input's own grid |",
        f"| Network | {plan.fit.network.in_words}, {plan.fit.network.parameters / 1e6:.1f} million weights |",
        f"| Window | {window} voxels of {spacing} mm, half overlapping |",
        "| For | research; a reader checks every result |",
        "| Not for | diagnosis or treatment without a qualified reader; it is no medical device |",
        "",
        "## How good it is",
        "",
        "Not trained yet: nothing is claimed before it is measured on studies the model never saw.",
        "",
        "## Train it, use it",
        "",
        f"    python -m medseg.train --bundle {name} --data DIR",
        "    python -m medseg.infer --bundle RUN --input STUDY --output DIR",
        "",
        "## Why it is as it is",
        "",
        "Each value of `configs/train.yaml` and the main lines of `configs/inference.yaml` have their measured reason",
        "beside them. What was measured in the data is in `configs/fingerprint.json`: "
        f"{data.studies} studies of {data.patients} patients.",
        "",
        *(f"- {line}" for line in _choices(plan)),
        "",
        "## Where it may fail",
        "",
        "- Scans unlike those it was planned from and trained on: another modality, sequence, field of view or age.",
        "- Labels that were drawn by another convention.",
        "",
        "## Files",
        "",
        "| File | Says |",
        "| --- | --- |",
        "| `configs/metadata.json` | channels, classes, versions, intended use |",
        "| `configs/inference.yaml` | the model: network, preprocessing, window, postprocessing |",
        "| `configs/train.yaml` | how it is trained |",
        "| `configs/evaluate.yaml` | labels, regions, tolerances, acceptance |",
        "| `configs/fingerprint.json` | what the data holds, and what postprocessing may be tried |",
        "| `models/model.pt` | weights, a plain state dict; absent until trained |",
    ]
    return "\n".join(lines) + "\n"


def _choices(plan: Plan) -> list[str]:
    rows = {f"{title}.{row.key}": row for title, rows in plan.recipe.items() for row in rows}
    return [
        f"Spacing: {plan.spacing_why}.",
        f"Intensities: {plan.normalisation.why}.",
        f"Patch: {rows['sampling.patch'].why}.",
        f"Mirroring: {rows['augmentation.flip_axes'].why}.",
        *(f"Postprocessing: {line}." for line in candidates_in_words(plan)),
    ]


def data_license(plan: Plan) -> str:
    """Text of docs/data_license.txt: what the data says of its licence."""
    source = plan.data.source
    licence = source.licence or "not stated by the data. Find out before you train and before you publish weights"
    lines = [
        "Data this bundle was planned from. No scan of it is in this folder.",
        "",
        f"{source.title}",
        f"Licence: {licence}.",
        *([f"Reference: {source.reference}"] if source.reference else []),
        "",
        "Weights trained on it may count as adapted material; look what its licence asks of them.",
    ]
    return "\n".join(lines) + "\n"


def _json(value: Any) -> str:
    try:
        return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    except ValueError as error:
        raise OutputError(f"The plan holds a value that JSON has not: {error}") from None

"""The model card of a package, docs/README.md: what a hospital engineer and a radiologist have to know, in Markdown.

Plain words from plain values; the same facts give the same text. Whatever comes from elsewhere is made harmless first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from medseg.bundle.card_facts import CardFacts, Quantised
from medseg.bundle.card_origin import how_trained, seen_in_training
from medseg.bundle.card_page import lead_of, row_of
from medseg.bundle.card_results import by_group, how_good, warnings, where_it_fails
from medseg.bundle.card_words import brief, code, fixed, studies, table, words
from medseg.bundle.packaged_metadata import RESEARCH_ONLY
from medseg.core.in_words import size as size_in_words

PHANTOM = "Trained on phantoms, which are drawn and not measured: it is no model for patients."
_DAY = len("2031-05-04")  # of a time in ISO 8601
# What a file of a package says; a folder ends in "/".
_FILES = {
    "LICENSE": "terms of configuration and code",
    "manifest.json": "SHA-256 of every other file; where the package comes from",
    "manifest.json.minisig": "signature of the manifest, in the format of minisign",
    "validity.json": "which scans it may be used on; `medseg infer` checks each against it",
    "sbom.cdx.json": "software that it was validated with (CycloneDX)",
    "configs/metadata.json": "version, channels, classes, results, intended use",
    "configs/inference.yaml": "the model: network, preprocessing, window, postprocessing; runs with MONAI alone",
    "configs/inference.json": "the same, as `monai.bundle.load` looks for it",
    "configs/train.yaml": "the recipe of the training, each value with its reason",
    "configs/evaluate.yaml": "labels, regions, tolerances, acceptance",
    "configs/series.yaml": "how each channel is recognised in a DICOM study",
    "configs/split.json": "the studies that it was trained on and chosen by",
    "configs/fingerprint.json": "what was measured in the data it was planned for",
    "docs/README.md": "this page",
    "docs/data_license.txt": "terms of the data, and what they ask of the weights",
    "docs/recipe.yaml": "the recipe as it was trained, with overrides",
    "docs/gallery/": "pictures of this page",
    "models/model.pt": "weights, a plain state dict",
    "models/model.ts": "the network as TorchScript",
    "models/model.onnx": "the network as ONNX",
    "models/model.pt2": "the network as `torch.export` leaves it",
    "models/model_int8.onnx": "the network in 8-bit numbers, as ONNX",
    "golden/": "a small scan, drawn or given away, with the label map that this model gave where it was packaged",
}


def card_text(facts: CardFacts) -> str:
    """The whole card.

    Args:
        facts: What it tells.

    Returns:
        Markdown with a newline at the end. A section that has nothing to say is left out, except those on use, quality
        and failures: they say that nothing is known.
    """
    sections: Mapping[str, Callable[[], list[str]]] = {
        "Intended use": lambda: _intended_use(facts),
        "Not for": lambda: _not_for(facts),
        "Input it was made for": lambda: seen_in_training(facts.validity),
        "Data and training": lambda: how_trained(facts),
        "How good it is": lambda: how_good(facts),
        "By group": lambda: by_group(facts.measurement),
        "Where it fails": lambda: where_it_fails(facts),
        "Other forms of the network": lambda: [*_exports(facts), *_quantised(facts.quantised)],
        "Check it on site": lambda: _check(facts),
        "Use it": lambda: _use(facts),
        "Files": lambda: table(("File", "Says"), _files(facts.files)),
    }
    lines = [f"# {words(facts.name)} {words(facts.version)}", "", *_opening(facts)]
    for title, section in sections.items():
        content = section()
        lines += [f"## {title}", "", *content] if content else []
    return "\n".join(lines).rstrip() + "\n"


def _opening(facts: CardFacts) -> list[str]:
    lead = lead_of(facts.page) or words(facts.metadata.get("task", ""))
    drawn = [PHANTOM] if facts.training is not None and facts.training.phantom else []
    bold = [f"**{one}**\n" for one in [*drawn, *warnings(facts.measurement)]]
    return [*([lead, ""] if lead else []), *bold, *table(("", ""), _summary(facts))]


def _summary(facts: CardFacts) -> Iterator[tuple[str, str]]:
    told, dated = facts.metadata, f", packaged on {words(facts.date[:_DAY])}" if facts.date else ""
    rows = {
        "Input": row_of(facts.page, "Input") or _channels(told),
        "Output": row_of(facts.page, "Output") or _classes(told),
        "Network": row_of(facts.page, "Network") or words(told.get("description", "")),
        "Window": words(facts.window) or row_of(facts.page, "Window"),  # what runs, not what a page says of it
        "Version": words(facts.version) + dated,
        "Authors": words(told.get("authors", "")),
        "Contact": words(facts.contact),
        "Licence": facts.licence,
        "Weights": f"SHA-256 {code(facts.weights_sha256)}",
    }
    yield from ((name, value) for name, value in rows.items() if value)


def _channels(metadata: Mapping[str, Any]) -> str:
    image = metadata["network_data_format"]["inputs"]["image"]
    modality = f" ({words(image['modality'])})" if image.get("modality") else ""
    return ", ".join(words(name) for name in image["channel_def"].values()) + modality


def _classes(metadata: Mapping[str, Any]) -> str:
    outputs = metadata["network_data_format"]
    written = outputs.get("post_processed_outputs", {}).get("pred", {}).get("label_def")
    named = written or outputs["outputs"]["pred"]["channel_def"]
    return ", ".join(f"{words(value)} {words(name)}" for value, name in named.items() if str(value) != "0")


def _intended_use(facts: CardFacts) -> list[str]:
    if facts.intended_use and facts.intended_use.strip():
        return ["Whoever packaged it answers for this use:", "", f"> {words(facts.intended_use)}", ""]
    said = facts.metadata.get("intended_use", "")
    is_new = said and "not a medical device" not in said.lower() and said != RESEARCH_ONLY
    return [f"**{RESEARCH_ONLY}**", "", *([words(said), ""] if is_new else [])]


def _not_for(facts: CardFacts) -> list[str]:
    reader = [] if facts.intended_use else ["- Diagnosis or treatment without a qualified reader."]
    unlike = "the table below" if facts.validity is not None else "its training data"
    return [
        *reader,
        f"- Scans unlike {unlike}: another modality, sequence, part of the body, or kind of patient.",
        "- Structures and diseases that it has no label for: it does not say that they are absent.",
        "",
    ]


def _exports(facts: CardFacts) -> list[str]:
    if not facts.exports:
        return []
    rows = [
        (code(one.file), size_in_words(one.bytes), brief(one.largest_difference), fixed(one.golden_dice, 4))
        for one in facts.exports
    ]
    heads = ("File", "Size", "Largest difference", "Dice, golden study")
    return [
        *table(heads, rows, numbers=(1, 2, 3)),
        "The difference is that of the network's output from that of the network in PyTorch, before labels are chosen; "
        "the Dice is that of both label maps of the golden study.",
        "",
    ]


def _quantised(quantised: Quantised | None) -> list[str]:
    if quantised is None:
        return []
    calibrated = "" if quantised.calibrated_on is None else f", calibrated on {studies(quantised.calibrated_on)}"
    timed = " and ".join(f"{ratio:.2f} of the time in {words(name)}" for name, ratio in quantised.time_ratios.items())
    machine = f"; on the machine that packaged it {timed} (above 1 it is slower)" if timed else ""
    which = "the studies that it was calibrated on" if quantised.same_studies else studies(quantised.n)
    rows = [(words(label), fixed(mean, 4), fixed(least, 4)) for label, (mean, least) in quantised.agreement.items()]
    return [
        f"{code(quantised.file)} computes in 8-bit numbers{calibrated}. It takes {quantised.size_ratio:.2f} of the "
        f"size in fp32{machine}. Dice of its label maps with those in fp32, on {which}:",
        "",
        *table(("Label", "mean", "lowest"), rows, numbers=(1, 2)),
        *([] if quantised.golden is None else [f"{_ON_GOLDEN} {fixed(quantised.golden, 4)}.", ""]),
    ]


def _check(facts: CardFacts) -> list[str]:
    golden = any(name.startswith("golden/") for name in facts.files)
    key, study = " --key KEY.pub" if facts.signed else "", " --golden" if golden else ""
    lines = ["`BUNDLE` is this folder, or the zip that it came in.", "", f"    {_VERIFY}{key}{study}", ""]
    if facts.signed:
        lines += ["`--key` is the public key of whoever signed it. Get it from them by another way than this file."]
    said = "Every byte is compared with the manifest"
    more = "; the golden study is segmented and has to give the label map that it gave where it was packaged"
    return [*lines, f"{said}{more if golden else ''}.", ""]


_ON_GOLDEN = "On the golden study, where eight bits need not agree as the other forms must, the lowest of a label is"
_VERIFY = "python -m medseg.verify --bundle BUNDLE"


def _use(facts: CardFacts) -> list[str]:
    key = " --key KEY.pub" if facts.signed else ""
    lines = [f"    python -m medseg.infer --bundle BUNDLE{key} --input STUDY --output DIR", ""]
    if "configs/inference.yaml" not in facts.files:
        return lines
    packages = ", ".join(code(name) for name in facts.metadata.get("required_packages_version", {}))
    return [
        *lines,
        "With MONAI alone, in this folder (the same network and the same steps; no check of scans, and no DICOM):",
        "",
        "    python -m monai.bundle run --config_file configs/inference.yaml --dataset_dir DIR --output_dir OUT",
        "",
        *([f"It needs {packages}.", ""] if packages else []),
    ]


def _files(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each file that the table knows and each folder once, then the rest."""
    folders = [name for name in _FILES if name.endswith("/")]
    shown = dict.fromkeys(next((one for one in folders if name.startswith(one)), name) for name in names)
    yield from ((code(name), _FILES.get(name, "")) for name in sorted(shown, key=_order))


def _order(name: str) -> tuple[int, str]:
    known = list(_FILES)
    return (known.index(name) if name in known else len(known), name)

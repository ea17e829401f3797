"""The inference.yaml of a plan: what the model is, in stock MONAI alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from medseg.planning.plan import Plan
from medseg.planning.recipe_defaults import OVERLAP
from medseg.planning.stock_run import stock_run
from medseg.planning.yaml_text import Row, section, written

SINGLE = 0.95  # share of the studies in which a label is one part, for its largest part to be worth a try
_INVERTED = [("transform", "@preprocessing"), ("orig_keys", ["image"]), ("nearest_interp", False), ("to_tensor", True)]
_SAVED = [
    ("output_dir", "@output_dir"),
    ("output_postfix", "seg"),
    ("output_dtype", "uint8"),
    ("separate_folder", False),
    ("resample", False),
    ("print_log", False),
]
WINDOWS_AT_ONCE = {2: 8, 3: 2}  # by the number of axes: memory, never the result


def inference_text(plan: Plan) -> str:
    """Text of configs/inference.yaml."""
    parts = (_head, _network, _preprocessing, _inferer, _postprocessing, stock_run)
    return "\n\n".join("\n".join(part(plan)) for part in parts) + "\n"


def label_list(plan: Plan) -> str:
    """Labels with their written values: "1 anterior, 2 posterior"."""
    return ", ".join(f"{value} {label.name}" for value, label in zip(plan.values, plan.labels, strict=True))


def _head(plan: Plan) -> list[str]:
    name = plan.options.name
    stock = f"cd bundles/{name} && python -m monai.bundle run --config_file configs/inference.yaml --dataset_dir DIR"
    return [
        f"# What      {plan.fit.network.in_words}; segments {label_list(plan)}",
        f"# Source    planned by medseg from {plan.data.studies} studies of {plan.data.source.title}",
        "# Expected  a label map on each study's own grid; scores in docs/README.md once it is trained",
        f"# Time      about {plan.fit.gflop / 3 / plan.fit.batch:.1f} GFLOP a window",
        f"# Command   python -m medseg.infer --bundle {name} --input FILE --output DIR",
        f"#           stock: {stock}",
        "#",
        "# The four parts below say what the model is. medseg trains with the same lines: they are written only here.",
    ]


def _network(plan: Plan) -> list[str]:
    network = plan.fit.network
    kind = network.in_words.split(",")[0]
    rows = [
        Row("_target_", network.target, f"{kind}; {network.parameters / 1e6:.1f} million weights"),
        Row("spatial_dims", len(plan.axes), "studies are one voxel thick" if len(plan.axes) == 2 else ""),
        Row("in_channels", len(plan.channels), ", ".join(channel.name for channel in plan.channels)),
        Row("out_channels", len(plan.labels) + 1, "softmax classes, background first"),
        *network.rows,
    ]
    return ["network_def:", *section(rows)]


def _preprocessing(plan: Plan) -> list[str]:
    pictures = plan.data.source.pictures
    reader = "PILReader" if pictures else "NibabelReader"
    lines = ["preprocessing:", "  _target_: monai.transforms.Compose", "  transforms:"]
    lines += _step("LoadImaged", [("reader", reader), ("ensure_channel_first", True), ("image_only", True)])
    return lines + ([] if pictures else _placing(plan)) + _normalisation(plan)


def _placing(plan: Plan) -> list[str]:
    stored = ", ".join(f"{code} in {count}" for code, count in plan.data.orientations.items())
    axes = [("axcodes", "RAS"), ("labels", [["L", "R"], ["P", "A"], ["I", "S"]])]
    lines = _step("Orientationd", axes, f"axes run to the right, the front and the top; stored: {stored} studies")
    lines += _step("Spacingd", [("pixdim", list(plan.spacing_mm)), ("mode", "bilinear")], f"mm; {plan.spacing_why}")
    if plan.normalisation.crop:
        why = f"{plan.data.zero_share:.0%} of the voxels are 0 (median study)"
        lines += _step("CropForegroundd", [("source_key", "image"), ("allow_smaller", True)], why)
    return lines


def _normalisation(plan: Plan) -> list[str]:
    chosen = plan.normalisation
    if chosen.kind == "ct":
        values = zip(("a_min", "a_max", "b_min", "b_max"), (*chosen.clip, *chosen.scaled), strict=True)
        return _step("ScaleIntensityRanged", [*values, ("clip", True)], chosen.why)
    nonzero = [("nonzero", True)] if chosen.kind == "nonzero" else []
    return _step("NormalizeIntensityd", [*nonzero, ("channel_wise", True)], chosen.why)


def _step(target: str, arguments: Sequence[tuple[str, object]], why: str = "", key: str = "image") -> list[str]:
    return [
        *([f"    # {why}"] if why else []),
        f"    - _target_: monai.transforms.{target}",
        f"      keys: [{key}]",
        *(f"      {name}: {written(value)}" for name, value in arguments),
    ]


def _inferer(plan: Plan) -> list[str]:
    flat = plan.data.thin_axis is not None and not plan.data.source.pictures
    thin = Row("spatial_dim", plan.data.thin_axis, "the axis along which studies are one voxel thick")
    rows = [
        Row("_target_", "monai.inferers.SliceInferer" if flat else "monai.inferers.SlidingWindowInferer"),
        *([thin] if flat else []),
        Row("roi_size", plan.window, "voxels; the training patch"),
        Row("sw_batch_size", WINDOWS_AT_ONCE[len(plan.axes)], "windows at once: memory, never the result"),
        Row("overlap", OVERLAP, f"share of a window; each voxel is seen up to {2 ** len(plan.axes)} times"),
        Row("mode", "gaussian", "window centres count more than their borders"),
        Row("padding_mode", "constant", "smaller volumes are padded with 0, as patches are in training"),
        Row("cval", 0.0),
    ]
    return ["inferer:", *section(rows)]


def _postprocessing(plan: Plan) -> list[str]:
    lines = ["postprocessing:", *(f"  # {line}" for line in candidates_in_words(plan))]
    lines += ["  _target_: monai.transforms.Compose", "  transforms:"]
    lines += _step("Activationsd", [("softmax", True)], key="pred")
    pictures = plan.data.source.pictures
    if pictures:
        lines += _step("AsDiscreted", [("argmax", True)], key="pred")
    else:
        lines += _step(
            "Invertd", _INVERTED, "probabilities go back to the input's own grid, then become labels", "pred"
        )
        why = "outside a crop all classes are 0 and the first, background, wins"
        lines += _step("AsDiscreted", [("argmax", True), ("keepdim", False)], why, "pred")
        why = "one channel again, as SaveImaged wants it"
        lines += _step("EnsureChannelFirstd", [("channel_dim", "no_channel")], why, "pred")
    if list(plan.values) != list(range(1, len(plan.values) + 1)):
        mapped = [("orig_labels", list(range(len(plan.values) + 1))), ("target_labels", [0, *plan.values])]
        lines += _step("MapLabelValued", mapped, "classes to the values of the data", "pred")
    saved = [("output_ext", ".png" if pictures else ".nii.gz"), *_SAVED]
    return lines + _step("SaveImaged", saved, key="pred")


def candidates_in_words(plan: Plan) -> Iterator[str]:
    """What postprocessing may help, by how labels look in the data; to be chosen on validation studies, not here."""
    for value, label in zip(plan.values, plan.labels, strict=True):
        found = plan.data.labels[value]
        likely = "keep the largest part" if is_single(plan, value) else "keep every part"
        yield f"{label.name}: one connected part in {found.single:.0%} of {found.present} studies: {likely}"


def is_single(plan: Plan, value: int) -> bool:
    """Whether a label is nearly always one connected part, and no crowd of objects."""
    found = plan.data.labels[value]
    return found.present > 0 and found.single >= SINGLE and not plan.data.source.instances

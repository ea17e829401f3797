"""Every bad input tried: how it is made, what the command says, and how it ends. One row here is one test."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import clinic
import damage as d
import damage_evaluations as e
import damage_models as m
import damage_packages as k
import damage_pictures as p
import damage_plans as n
import damage_scans as s
import damage_searches as t
import numpy as np
from damage import Make, Place, Words

# What a row does not give itself; the page says so too.
TRAIN_WORDS = ("--workers", 0, "--no-tracking")


@dataclass(frozen=True)
class Row:
    """One bad input.

    Attributes:
        name: What is wrong, as the page lists it.
        make: Makes it and gives the command.
        code: Exit code.
        says: Parts of the message.
        machine: What the machine is like meanwhile.
        leaves: "nothing", or the outcome its record has where the fault shows only after the start.
        in_table: Whether it is told in the table on stdout, as `check --input` does.
    """

    name: str
    make: Make
    code: int
    says: tuple[str, ...]
    machine: Callable[[], AbstractContextManager[None]] = m.machine
    leaves: str = "nothing"
    in_table: bool = False


def command(row: Row, place: Place) -> Words:
    """The words of a row's command, verb first, with the output and whatever every row has."""
    verb, *words = row.make(place)
    if verb in ("check", "verify", "package"):
        return [verb, *words]
    if verb in ("infer", "evaluate", "plan"):
        return [verb, *words, *(() if "--output" in words else ("--output", place.out))]
    # "--tracking" rows are about tracking; a resumed run takes no other option.
    plain = () if "--resume" in words or "--tracking-uri" in words else TRAIN_WORDS
    output = () if "--resume" in words else ("--output", place.out)
    return [verb, *words[:4], *output, *plain, *words[4:]]


FILES = [
    Row("a scan that was cut short", d.image(d.cut), 1, ("phantom_000.nii.gz'", "truncated")),
    Row("an empty file", d.image(d.content(lambda _: b"")), 1, ("the file is empty",)),
    Row("text under the name of a scan", d.image(d.content(lambda _: b"hello")), 1, ("the content is not gzip",)),
    Row(
        "a packed file that is no NIfTI",
        d.image(d.content(lambda _: gzip.compress(b"hello" * 200))),
        1,
        ("not a NIfTI file",),
    ),
    Row(
        "a packed file with damaged bytes",
        d.image(d.content(lambda old: old[:-8] + bytes(4) + old[-4:])),  # its CRC: the same message for any content
        1,
        ("damaged", "Copy the file again"),
    ),
    Row("voxels that are NaN", d.image(d.voxels(d.with_nan)), 1, ("3 voxels are NaN", "replace them")),
    Row(
        "four dimensions where three are expected",
        d.image(d.voxels(lambda a: np.stack([a, a], -1))),
        1,
        ("holds 2 channels; one is expected",),
    ),
    Row("a spacing of zero", d.image(d.header(d.assign("pixdim", 2, 0.0))), 1, ("spacing of 1 x 0 x 1 mm",)),
    Row(
        "sform and qform that disagree",
        d.image(d.header(d.assign("srow_x", 3, 50.0))),
        1,
        ("sform and qform disagree",),
    ),
    Row("no place in the patient", d.image(d.header(d.no_place)), 1, ("neither sform nor qform is set",)),
    Row("axes that are not at right angles", d.image(d.header(d.shear)), 1, ("'", "phantom_000.nii.gz'")),
    Row(
        "a header that promises more voxels than there are",
        d.image(d.header(d.assign("dim", 1, 30000))),
        1,
        ("the header describes",),
    ),
]

LABELS = [
    Row(
        "a label value the bundle does not know",
        d.label(d.voxels(lambda a: d.with_value(a, 7))),
        1,
        ("label value 7 in 1 voxels; the bundle knows 1 anterior, 2 posterior",),
    ),
    Row("a fractional label value", d.label(d.voxels(lambda a: d.with_value(a, 1.5))), 1, ("1 voxels such as 1.5",)),
    Row(
        "a label map of another shape",
        d.label(d.voxels(lambda a: a[:-2])),
        1,
        ("lies on another grid than channel t1: shape",),
    ),
    Row(
        "a label map of the same shape in another place",
        d.label(d.header(d.move)),
        1,
        ("lies on another grid", "corners lie"),
    ),
    Row("a label file that is missing", d.label(lambda path: path.unlink()), 1, ("labelsTr/phantom_000.nii.gz'",)),
    Row("no label file at all", d.no_labels, 1, ("none of the 8 studies has a label file to train on",)),
]

PICTURES = [
    Row("a picture with a palette", p.look_at("P1.png", "P"), 1, ("P1.png'", "its colours stand in a palette")),
    Row("a picture in printing colours", p.look_at("P1.tif", "CMYK"), 1, ("P1.tif'", "CMYK")),
    Row("a TIFF of several pages", p.pages, 1, ("holds 2 pages or frames", "Save each as a file of its own")),
    Row("a picture that is no PNG", p.look_at("P1.png", "L", format="JPEG"), 1, ("P1.png'", "no PNG file")),
    Row("numbered objects of which no one says so", p.numbered, 1, ("such as 280", '"instances": true')),
    Row("a picture for a bundle of volumes", p.for_volumes, 1, ("P1.png' is a picture", "takes volumes")),
]

FOLDERS = [
    Row("a folder that does not exist", lambda p: d.train(p, data=p.root / "dta"), 1, ("No data '", "check the sp")),
    Row("a folder of something else", d.other_folder, 1, ("no known layout", "Looked for", "images/X.nii.gz")),
    Row("labels in a folder of another name", d.masks_folder, 1, ("Rename masks/ to labels/",)),
    Row("a dataset.json that is not JSON", d.broken_listing, 1, ("dataset.json",)),
    Row("a dataset.json that lists no study", d.listing(d.only(0)), 1, ("dataset.json",)),
    Row("one study listed twice", d.listing(d.twice), 1, ("phantom_000", "2 times")),
    Row("too few patients", d.listing(d.only(2)), 1, ("2 patients with a label cannot be split", "give 3 or more")),
    Row(
        "a BraTS study without one channel",
        d.brats(lambda data: (data / "Phantom_001" / "Phantom_001_t2.nii.gz").unlink()),
        1,
        ("study 'Phantom_001': channel t2 is missing", "Phantom_001_t2.nii.gz"),
    ),
    Row("BraTS names of two generations", d.brats(d.mix_generations), 1, ("are mixed; give them as two folders",)),
    Row("a channel too few for the bundle", m.wrong_channels, 1, ("t1",)),
]

CONFIGS = [
    Row("a number that YAML takes for text", m.config("optimizer: {lr: 1e-3}"), 1, ("'1e-3' is text; write 1.0e-3",)),
    Row("a misspelt section", m.config("optimzer: {lr: 1.0e-3}"), 1, ("did you mean 'optimizer.lr'?",)),
    Row("a key given twice", m.config("seed: 1\nseed: 2\n"), 1, ("line 2: key 'seed' is given twice; keep one",)),
    Row("a value of the wrong kind", m.config("seed: one"), 1, ("seed (", "'one' is not a whole number")),
    Row("a value out of range", m.config("sampling: {foreground: 1.5}"), 1, ("1.5 is out of range", "at most 1")),
    Row(
        "a range the wrong way round",
        m.config("augmentation: {gamma: {probability: 0.1, range: [1.5, 0.7]}}"),
        1,
        ("write [low, high]",),
    ),
    Row(
        "several faults at once",
        m.config("seed: -1\nloss: {dise: 1.0}\n"),
        1,
        ("2 faults", "-1 is out of range", "did you mean 'loss.dice'?"),
    ),
    Row("a file that is not YAML", m.config("seed: [1"), 1, ("mine.yaml: line",)),
    Row("a configuration that does not exist", d.options("--config", "none.yaml"), 1, ("Cannot read 'none.yaml'",)),
    Row("a recipe that lacks a key", m.recipe_without("optimizer", "lr"), 1, ("optimizer.lr: missing",)),
    Row(
        "a patch that does not fit the network",
        d.options("--set", "sampling.patch=[15,24,16]"),
        1,
        ("sampling.patch [15, 24, 16] does not fit the network", "takes"),
        leaves="failed",
    ),
    Row(
        "a patch of two numbers for a 3D network",
        d.options("--set", "sampling.patch=[16,24]"),
        1,
        ("sampling.patch [16, 24] must give one number for each of the 3 axes",),
        leaves="failed",
    ),
    Row(
        "fewer loss weights than the network has outputs",
        d.options("--set", "loss.deep_supervision=[1.0]"),
        1,
        ("loss.deep_supervision has 1 weight(s); the network gives 2 outputs",),
        leaves="failed",
    ),
]

OPTIONS = [
    Row("a misspelt option", d.options("--epoch", 3), 2, ("unknown option '--epoch'; did you mean '--epochs'?",)),
    Row("a misspelt --set key", d.options("--set", "optimizer.learning=1e-3"), 2, ("optimizer.learning: unknown key",)),
    Row("a --set without a value", d.options("--set", "optimizer.lr"), 2, ("write --set key=value",)),
    Row("a budget that is no time", d.options("--budget", "soon"), 2, ("'soon' is not a time; write 90s, 15m or 2h",)),
    Row(
        "a budget too short for one step",
        d.options("--budget", "1s"),
        1,
        ("The budget ends before the first step", "Give a longer --budget"),
        leaves="failed",
    ),
    Row("epochs and a budget", d.options("--epochs", 2, "--budget", "1m"), 2, ("not allowed with",)),
    Row("no epochs", d.options("--epochs", 0), 2, ("--epochs 0 is out of range; give 1 or more",)),
    Row("a fold that does not exist", d.options("--fold", 5), 1, ("fold 5 does not exist", "choose 0 to 4")),
    Row("a fold that is no number", d.options("--fold", "first"), 2, ("'first' is no fold", "all to hold no one out")),
    Row("one fold and all folds", d.options("--fold", 1, "--folds", 3), 2, ("not allowed with",)),
    Row("a single fold", d.options("--folds", 1), 2, ("--folds 1 is out of range; give 2 or more",)),
    Row("two folds of three patients", d.three_patients, 1, ("Set split.folds to 3 or more",)),
    Row(
        "all folds under torchrun",
        d.options("--folds", 3),
        2,
        ("torchrun started several", "one --fold K at a time"),
        machine=m.two_processes,
    ),
    Row("a negative number of workers", d.options("--workers", -1), 2, ("--workers -1 is out of range",)),
    Row("fp16 on a CPU", d.options("--precision", "fp16", "--device", "cpu"), 2, ("choose bf16, fp32 or auto",)),
    Row(
        "a GPU the machine does not have",
        d.options("--device", "cuda"),
        2,
        ("--device cuda: this machine has cpu",),
        machine=m.no_cuda,
    ),
    Row("no bundle", lambda _: ["train"], 2, ("--bundle is missing, for example --bundle brats_unet3d",)),
    Row(
        "a name no folder can have",
        d.options("--name", "../mine"),
        2,
        ("--name '../mine' starts with '.'", "Use letters"),
    ),
    Row("an MLflow file store", d.options("--tracking-uri", "file:///mlruns"), 2, ("--no-tracking",)),
    Row(
        "an option beside --resume",
        lambda p: ["train", "--resume", p.run, "--epochs", 9],
        2,
        ("--epochs cannot stand beside --resume",),
    ),
]

BUNDLES = [
    Row(
        "a misspelt bundle",
        lambda p: ["train", "--bundle", "hipocampus_unet3d", "--data", p.cohort],
        1,
        ("No bundle 'hipocampus_unet3d'. Did you mean 'hippocampus_unet3d'?",),
    ),
    Row("a folder that is no bundle", m.plain_folder, 1, ("is a folder but no bundle",)),
    Row(
        "a bundle without inference.yaml", m.without("configs/inference.yaml"), 1, ("configs/inference.yaml: missing",)
    ),
    Row("metadata.json that is not JSON", m.broken_metadata, 1, ("metadata.json: line 2",)),
    Row("a bundle without a recipe", m.without("configs/train.yaml"), 1, ("it can segment, but not be trained",)),
    Row(
        "a _target_ that runs programs",
        m.model(lambda v: v["network_def"].update(_target_="os.system")),
        1,
        ("network_def._target_: 'os.system' may not be built here",),
    ),
    Row(
        "code in one of the four parts",
        m.model(lambda v: v["network_def"].update(in_channels="$1")),
        1,
        ("network_def.in_channels: '$1'", "runs code; write a plain value"),
    ),
    Row(
        "wrong arguments of a network",
        m.model(lambda v: v["network_def"].update(filterz=[4, 8])),
        1,
        ("network_def", "cannot be built", "filterz"),
        leaves="failed",
    ),
    Row(
        "a bundle without weights",
        lambda p: m.infer(p, p.bundle),
        1,
        ("has no trained weights (models/model.pt)", "python -m medseg.train --bundle"),
    ),
    Row("damaged weights", m.weights(d.cut), 1, ("model.pt' are damaged", "Copy them again")),
    Row("weights of another network", m.weights(m.of_another_network), 1, ("do not fit", "missing")),
    Row("weights that hold code", m.weights(m.with_code), 1, ("hold more than tensors, which could run code",)),
    Row("a run that ended before its bundle was written", m.unfinished_run, 1, ("holds no complete bundle",)),
    Row("one model twice", lambda p: m.infer(p, p.run, bundles=[p.run]), 2, ("is given twice; it would count twice",)),
    Row(
        "models that do not fit together",
        m.another_model,
        1,
        ("cannot be averaged: 3 faults", "labels: 1 anterior, 2 posterior and", "preprocessing: transform 2 is"),
    ),
    Row("mirror images where labels have a side", m.one_sided, 2, ("--tta: '", "allows no axis to be mirrored")),
    Row("a cross-validation that is not finished", m.unfinished_folds, 1, ("fold1 is not trained to the end",)),
]

INPUTS_AND_OUTPUTS = [
    Row(
        "an input that does not exist",
        lambda p: m.infer(p, None, p.root / "none.nii.gz"),
        1,
        ("no file or folder '", "none.nii.gz'"),
    ),
    Row("two inputs of one name", m.same_id, 1, ("study 'phantom_000' stands in 2 inputs",)),
    Row("one cut scan among good ones", m.one_cut_scan, 3, ("phantom_003", "truncated"), leaves="finished"),
    Row("an output that would replace an input", m.onto_inputs, 1, ("would replace the input of study 'phantom_000'",)),
    Row("a file where label maps should go", m.file_in_the_way(m.infer), 1, ("Cannot write '", "another --output")),
    Row("a file where runs should go", m.file_in_the_way(d.train), 1, ("Cannot make a run folder in '", "--output")),
    Row("the name of a run that exists", m.name_taken, 1, ("exists. Go on with it by --resume", "another --name")),
    Row(
        "a full disk",
        d.options(),
        1,
        ("Cannot write '", ".pt': File too large. Free space or choose another --output"),
        machine=m.full_disk,
        leaves="failed",
    ),
    Row(
        "a resume of what is no run", lambda p: ["train", "--resume", p.cohort], 1, ("is no run: it holds no run.json",)
    ),
    Row(
        "a resume from a damaged checkpoint",
        m.interrupted(lambda run: d.cut(run / "last.pt")),
        1,
        ("Checkpoint '", "last.pt' cannot be read"),
        leaves="interrupted",
    ),
    Row(
        "a resume on data that changed",
        m.interrupted(m.other_digest),
        1,
        ("changed since run", "start a new run"),
        leaves="interrupted",
    ),
]

SCANS = [
    Row(
        "a DICOM series that lacks a slice",
        s.study(clinic.lose_slice),
        3,
        ("gap of 4 mm between slices 8 and 9", "1 slice missing"),
        leaves="finished",
    ),
    Row("the same, looked at", s.look_at(clinic.lose_slice), 1, ("[slice_missing]", "gap of 4 mm"), in_table=True),
    Row("an empty file among slices", s.study(s.empty_slice), 3, ("empty file (0 bytes)",), leaves="finished"),
    Row("a slice that was cut short", s.study(s.cut_slice), 3, ("IM0009.dcm", "truncated"), leaves="finished"),
    Row("a study of damaged files", s.study(s.cut_all), 3, ("20 DICOM files cannot be read;",), leaves="finished"),
    Row("two slices for a 3D model", s.study(s.two_slices), 3, ("2 slices; the model needs",), leaves="finished"),
    Row("a tilted gantry", s.study(clinic.tilt), 3, ("--resample-tilt",), leaves="finished"),
    Row(
        "several volumes in one series",
        s.study(s.two_echoes),
        3,
        ("2 volumes at the same positions", "--select EchoTime="),
        leaves="finished",
    ),
    Row(
        "a --select that no slice has",
        s.study(s.two_echoes, "--select", "EchoTime=7"),
        3,
        ("no slice has EchoTime=7", "Choose a value that occurs"),
        leaves="finished",
    ),
    Row("a --select without a value", s.given("--select", "EchoTime"), 2, ("write --select KEY=VALUE",)),
    Row(
        "two series for one channel",
        s.study(s.again),
        3,
        ("t1: 2 series meet its rule", "--series t1=NUMBER"),
        leaves="finished",
    ),
    Row(
        "no series for a channel",
        s.study(s.long_echo),
        3,
        ("t1: no series meets its rule", "EchoTime 90"),
        leaves="finished",
    ),
    Row(
        "a --series number that no series has",
        s.given("--series", "t1=99"),
        3,
        ("no series has this number or UID; there are",),
        leaves="finished",
    ),
    Row(
        "a --series for a channel the bundle lacks",
        s.given("--series", "t2=1"),
        2,
        ("has no channel 't2'; it has t1.",),
    ),
    Row("a --series without a number", s.given("--series", "t1"), 2, ("write --series KEY=VALUE",)),
    Row("a channel named twice", s.given("--series", "t1=1", "--series", "t1=2"), 2, ("'t1' is given twice",)),
    Row("a --series for NIfTI", s.on_nifti("--series", "t1=1"), 2, ("none of the studies is DICOM",)),
    Row("results where images should be", s.study(s.results_only), 3, ("result",), leaves="finished"),
    Row("one study in two inputs", s.study_twice, 1, ("stands in 2 inputs",)),
    Row("a check of nothing", s.look(), 2, ("nothing to check", "--input DIR")),
    Row("JSON of a bundle", s.look("--bundle", "brats_unet3d", "--json"), 2, ("--json is for --input alone",)),
    Row("a check of a folder that does not exist", s.look("--input", "none"), 1, ("no file or folder 'none'",)),
    Row("a check of a folder without scans", s.look_at_nothing, 1, ("no DICOM or NIfTI image found",)),
    Row("a check of a scan that was cut short", s.look_at_cut_nifti, 1, ("truncated",), in_table=True),
]

DICOM_RESULTS = [
    Row("DICOM results of NIfTI", s.on_nifti("--format", "dicom-seg"), 1, ("need DICOM input",)),
    Row(
        "a compression that bits cannot have",
        s.given("--format", "dicom-seg", "--seg-compression", "rle"),
        2,
        ("A binary SEG cannot be compressed with 'rle'; choose none, j2k",),
    ),
    Row(
        "JPEG 2000 of slices too small for it",
        s.given("--format", "dicom-seg", "--seg-compression", "j2k"),
        3,
        ("JPEG 2000 takes slices from 32 pixels",),
        leaves="finished",
    ),
    Row("DICOM results of labels without codes", s.without_codes, 1, ("label_codes",)),
]

EVALUATIONS = [
    Row("a folder of predictions that is not there", e.changed(e.no_predictions), 1, ("predictions'",)),
    Row("predictions of other names", e.changed(e.other_names), 1, ("No study", "'seg_P1' looks like 'P1'")),
    Row("two predictions of one study", e.changed(e.two_of_one), 1, ("P1", "P1.nii.gz", "P1.NII.GZ")),
    Row("images where label maps should be", e.changed(e.images_as_references), 1, ("label",)),
    Row("predictions without references", lambda p: e.evaluation()(p)[:3], 2, ("Give --prediction and --reference",)),
    Row("mirror images of maps that exist", e.evaluation("--bundle", "x", "--tta"), 2, ("cannot be mirrored",)),
    Row(
        "results of an average for one card",
        lambda p: ["evaluate", "--bundle", p.run, p.bundle, "--data", p.cohort, "--update-bundle"],
        2,
        ("a card tells of one bundle",),
    ),
    Row("a bundle and a file of labels", e.evaluation("--bundle", "x", "--labels", "y"), 2, ("give one",)),
    Row("a gate on no metric", e.evaluation("--min", "dize.1=0.8"), 2, ("no metric 'dize'", "known are dice")),
    Row("a gate on a label that is not there", e.evaluation("--min", "dice.7=0.8"), 2, ("'7' is not scored",)),
    Row("a gate on the wrong side", e.evaluation("--max", "dice.1=0.8"), 2, ("higher dice is better; write --min",)),
    Row("a tolerance that is no length", e.evaluation("--tolerance", "1=wide"), 2, ("'wide' is not a number of mm",)),
    Row("a file of labels with a fault", e.labels("labels: {a: {value: 300}}\n"), 1, ("300", "1 to 255")),
    Row("a table of groups without ids", e.strata("site\nnorth\n"), 1, ("study or study_id or id",)),
    Row("a table of groups without a study", e.strata("id,site\nP1,n\nP2,s\n"), 1, ("study 'P3' is evaluated",)),
    Row("a comparison with no evaluation", e.evaluation("--against", "none"), 1, ("no finished evaluation",)),
    Row("a comparison by other rules", e.by_brats, 1, ("different policies", "both_empty")),
    Row("results among the predictions", e.onto_predictions, 1, ("is the folder of the predictions",)),
    Row("a model that has seen all of the data", e.all_seen, 1, ("trained on or chosen by each of its 8 labelled",)),
]

SEARCHES = [
    Row("a search without a space", t.without_space, 2, ("--space missing",)),
    Row(
        "a space with several faults",
        t.search("optimizer.le: {values: [1.0]}\nloss.dice: {low: 2, high: 1}\nsampling.batch: {values: [0]}\n"),
        1,
        ("3 faults", "did you mean 'optimizer.lr'?", "low 2 is not below high 1", "0 is out of range"),
    ),
    Row("a space of what decides the comparison", t.search("seed: {values: [1, 2]}\n"), 1, ("give --seed",)),
    Row("a grid of a range without steps", t.search(t.LINE, "--search", "grid"), 1, ("Give step or values",)),
    Row(
        "a grid larger than the number of trials",
        t.search("sampling.batch: {values: [1, 2, 3]}\n", "--search", "grid", "--trials", 2),
        2,
        ("3 points, which makes 3 trainings", "--trials 2 is less"),
    ),
    Row("a search without an end", t.search(t.LINE), 2, ("--search random has no end of its own; give --trials N",)),
    Row("a single trial", t.search(t.LINE, "--trials", 1), 2, ("--trials 1 is out of range; give 2 or more",)),
    Row(
        "a search with Optuna where it is absent",
        t.search(t.LINE, "--trials", 3, "--search", "optuna"),
        2,
        ("pip install 'medseg[tune]'",),
        machine=t.no_optuna,
    ),
    Row(
        "a length set for trials of equal length",
        t.search(t.LINE, "--trials", 3, "--set", "length.epochs=3"),
        2,
        ("every trial gets the same length; give --budget or --epochs",),
    ),
    Row(
        "a search under torchrun",
        t.search(t.LINE, "--trials", 3),
        2,
        ("runs in one process; start it without torchrun",),
        machine=m.two_processes,
    ),
    Row("a training resumed as a search", lambda p: ["tune", "--resume", p.run], 1, ("is no search",)),
    Row(
        "an option beside the --resume of a search",
        lambda p: ["tune", "--resume", p.run, "--trials", 9],
        2,
        ("--trials cannot stand beside --resume",),
    ),
]

PLANS = [
    Row(
        "one scan under two patients",
        n.on(n.copy_of_another),
        1,
        ("phantom_000.nii.gz' and '", "hold the same image, voxel for voxel", "Remove one"),
    ),
    Row(
        "a label value that the data does not declare, in a plan",
        n.label(d.voxels(lambda a: d.with_value(a, 7))),
        1,
        ("phantom_003.nii.gz': label value 7 in 1 voxels; the data declares 0 background, 1 ",),
    ),
    Row(
        "a label map beside its scan, in a plan",
        n.label(d.header(d.move)),
        1,
        ("phantom_003.nii.gz' lies on another grid", "register and resample"),
    ),
    Row("a plan in the place of a bundle", n.existing, 1, ("exists; give another --name",)),
    Row("a name that is no folder's", n.options("--name", "a/b"), 2, ("--name 'a/b'",)),
    Row("a size of memory that is none", n.options("--memory", "much"), 2, ("'much' is no size; write 8GB or 900MB",)),
    Row("a network that is not known", n.options("--network", "vnet"), 2, ("vnet", "segresnet")),
    Row("a modality of two words", n.options("--modality", "a b"), 2, ("'a b' is no word; give MR, CT",)),
]

PACKAGES = [
    Row("a package with one byte changed", k.sealed(k.flip_a_byte), 1, ("1 fault", "docs/README.md was altered")),
    Row(
        "a file that was put into a package",
        k.sealed(k.add_a_file),
        1,
        ("configs/logging.conf was added: the manifest does not know it",),
    ),
    Row("a package without the signature that is demanded", k.unsigned, 1, ("is not signed, and --key demands it",)),
    Row("a public key that is none", k.no_key, 2, ("is no public key of minisign. Give the file NAME.pub",)),
    Row("a run where a package is wanted", k.no_package, 1, ("it is no package. `medseg package` makes one",)),
    Row("a zip that leads out of its folder", k.zip_with("../evil.py"), 1, ("'../evil.py' leads out of the folder",)),
    Row("a zip that is none", k.cut_zip, 1, ("is no zip that can be read",)),
    Row("a stock bundle with expressions in its chains", k.foreign, 1, ("$[1.0] * 3", "run it with --trust")),
    Row("a scan far from those of the training", k.far_from_training, 3, ("mm", "the model"), leaves="finished"),
    Row(
        "a package that is there already", k.package_again, 2, ("exists; a package that was handed on does not change",)
    ),
    Row("a package of a bundle without weights", k.package(run=k.without_weights), 1, ("no trained weights",)),
    Row(
        "eight bits without studies to calibrate on",
        k.package("--quantize", "int8"),
        2,
        ("--quantize and --calibrate stand together",),
    ),
    Row(
        "a golden scan that nobody may give away",
        k.package("--golden", "scan.nii.gz"),
        2,
        ("--golden needs --golden-licence", "'scan.nii.gz' does not exist"),
    ),
]

SECTIONS = {
    "Files": FILES,
    "Labels": LABELS,
    "Pictures": PICTURES,
    "Folders": FOLDERS,
    "Recipes": CONFIGS,
    "Options": OPTIONS,
    "Bundles and weights": BUNDLES,
    "Inputs, outputs and runs": INPUTS_AND_OUTPUTS,
    "DICOM scans, and looking at scans": SCANS,
    "DICOM results": DICOM_RESULTS,
    "Evaluations": EVALUATIONS,
    "Searches": SEARCHES,
    "Plans": PLANS,
    "Packages, and bundles from elsewhere": PACKAGES,
}
ROWS = [row for rows in SECTIONS.values() for row in rows]

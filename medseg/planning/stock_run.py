"""The lines of inference.yaml that let `monai.bundle run` execute it; medseg reads none of them."""

from __future__ import annotations

from medseg.planning.plan import Plan
from medseg.planning.yaml_text import written

_OPENING = """\
# --- from here on: only for `monai.bundle run`; medseg reads nothing below ---

imports:
  - $import glob
  - $import monai
  - $import os
  - $import sys
  - $import torch

bundle_root: .          # this bundle's folder; --bundle_root where the command starts elsewhere"""

_ONE_FILE = """\
dataset_dir: ./data        # a folder of NIfTI files, one study each
output_dir: ./predictions   # written: <file>_seg.nii.gz per study
data: "$[{'image': file} for file in sorted(glob.glob(os.path.join(@dataset_dir, '*.nii*')))]\""""

_SEVERAL_FILES = """\
dataset_dir: ./data        # a folder in which the files of a study are alike but for these endings, in any depth
output_dir: ./predictions   # written: <first file>_seg.nii.gz per study
endings: {endings}   # of the channels, in order
firsts: "$sorted(glob.glob(os.path.join(@dataset_dir, '**', '*' + @endings[0] + '.nii*'), recursive=True))"
data: "$[{{'image': [ending.join(first.rsplit(@endings[0], 1)) for ending in @endings]}} for first in @firsts]\""""

_PICTURES = """\
dataset_dir: ./data        # a folder of PNG or TIFF files, one study each
output_dir: ./predictions   # written: <file>_seg.png per study
files: "$[file for end in ('png', 'tif', 'tiff') for file in glob.glob(os.path.join(@dataset_dir, '*.' + end))]"
data: "$[{'image': file} for file in sorted(@files)]\""""

_CLOSING = """
device: "$torch.device('cuda' if torch.cuda.is_available() else 'cpu')"
network: "$@network_def.to(@device)"

dataset:
  _target_: monai.data.Dataset
  data: "@data"
  transform: "@preprocessing"

dataloader:
  _target_: monai.data.DataLoader
  dataset: "@dataset"
  batch_size: 1
  shuffle: false
  num_workers: 0

checkpointloader:
  _target_: monai.handlers.CheckpointLoader
  load_path: "$os.path.join(@bundle_root, 'models', 'model.pt')"
  load_dict: {model: "@network"}
  map_location: "@device"
  strict: true

handlers:
  - "@checkpointloader"
  - _target_: monai.handlers.StatsHandler
    iteration_log: false

evaluator:
  _target_: monai.engines.SupervisedEvaluator
  device: "@device"
  val_data_loader: "@dataloader"
  network: "@network"
  inferer: "@inferer"
  postprocessing: "@postprocessing"
  val_handlers: "@handlers"
  amp: false            # full precision, so that every machine writes the same labels

initialize:
  - $monai.utils.set_determinism(seed=0)

run:
  - "$@data or sys.exit('no study found in dataset_dir ' + @dataset_dir)"
  - $@evaluator.run()"""


def stock_run(plan: Plan) -> list[str]:
    """Lines for MONAI's own runner, by how the data keeps channels in files."""
    endings = plan.data.source.endings
    data = _SEVERAL_FILES.format(endings=written(list(endings))) if len(endings) > 1 else _ONE_FILE
    data = _PICTURES if plan.data.source.pictures else data
    return "\n".join([_OPENING, data, _CLOSING]).splitlines()

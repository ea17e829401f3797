"""What an evaluation scores, and which written value or segment of a label map is which of its classes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from medseg.core.errors import DatalistError, raise_faults
from medseg.core.labels import Label, LabelSet, bare_name
from medseg.steps.label_maps import Kind, LabelFile, LabelMaps
from medseg.steps.label_search import WHAT_TO_DO, declared_labels, search_labels


@dataclass(frozen=True)
class Labels:
    """What to score.

    Attributes:
        label_set: Labels in the order of classes, and regions.
        reference_names: Written value to name, as the references declare it; None where they do not.
        prediction_names: The same of the predictions.
        numbered: Whether the labels are values that the references hold, of which no one knows names.
    """

    label_set: LabelSet
    reference_names: Mapping[int, str] | None = None
    prediction_names: Mapping[int, str] | None = None
    numbered: bool = False

    @property
    def values(self) -> dict[str, tuple[int, ...]]:
        """Each region, then each label that is not one of them, to its classes: what ``score_maps`` takes."""
        index = {name: n for n, name in self.names.items()}
        regions = {name: tuple(index[one] for one in own) for name, own in self.label_set.regions.items()}
        return regions | {name: (n,) for name, n in index.items() if name not in regions}

    @property
    def names(self) -> dict[int, str]:
        """Class to label; 0, the background, has none."""
        return {n: label.name for n, label in enumerate(self.label_set.labels, 1)}

    def of_reference(self) -> dict[int, int]:
        """Written value of a reference to class, 0 included.

        Raises:
            DatalistError: The references name a label that the set does not know.
        """
        return self.label_set.class_of_value(self.reference_names)

    def of_prediction(self, file: LabelFile | None = None) -> dict[int, int]:
        """Written value of a prediction to class, 0 included.

        A prediction is read by the names that its inference recorded, else by those that its folder declares. Without
        names either of two conventions may hold: the set's own values, or those that the references declare. Both are
        taken as long as no value means one label here and another there; what run.json says of the values that were
        written may rule one of them out.

        Args:
            file: The prediction; None for one of which nothing is known.

        Raises:
            DatalistError: A name is not one of the set's; or both conventions may hold and contradict each other, so
                that labels may be swapped.
        """
        if file is not None and file.kind == "seg":
            return {0: 0}  # its segments have names; see of_segments
        if file is not None and file.names is not None and not self.numbered:
            return self._by_record(file.names)
        if self.prediction_names is not None:
            return self.label_set.class_of_value(self.prediction_names)
        own, declared = self.label_set.class_of_value(), self.of_reference()
        unnamed = {value: n for value, n in own.items() if n not in declared.values() and value not in declared}
        as_data = declared | unnamed
        written = set(file.written or ()) if file else set()
        possible = [one for one in (as_data, own) if written and written <= one.keys()]
        if possible and not contradict(possible[0], possible[-1], written):
            return possible[0]
        if not contradict(own, declared, own.keys() & declared.keys()):
            return own | declared
        raise DatalistError(self._two_readings(own, as_data))

    def _by_record(self, names: Mapping[int, str]) -> dict[int, int]:
        try:
            return self.label_set.class_of_value(names)
        except DatalistError as error:
            raise DatalistError(f"run.json: {error}. {WHAT_TO_DO}") from None

    def _two_readings(self, own: Mapping[int, int], as_data: Mapping[int, int]) -> str:
        ours, theirs = self._spelt(own), self._spelt(as_data)
        names = json.dumps({self.names[n]: value for value, n in sorted(own.items()) if n})
        return (
            f"nothing tells whether predictions mean {ours}, as --bundle or --labels says, or {theirs}, as the "
            f"references do. For the references' reading give --labels FILE with these values; for the other one put "
            f'a dataset.json with {{"labels": {names}}} beside the predictions (medseg infer records it by itself)'
        )

    def _spelt(self, classes: Mapping[int, int]) -> str:
        return ", ".join(f"{value} {self.names[n]}" for value, n in sorted(classes.items()) if n)

    def of_segments(self, segments: Mapping[int, str]) -> dict[int, int]:
        """Segment number to class, by name or alias, whatever its case and punctuation.

        A segment that is a region is left out, since its labels say the same; a segment of a region with one label is
        that label.

        Args:
            segments: Number to name.

        Raises:
            DatalistError: A name is unknown, or a region has no segments of all its labels.
        """
        known = {bare_name(name): n for n, label in enumerate(self.label_set.labels, 1) for name in _all_names(label)}
        index = {name: n for n, name in self.names.items()}
        regions = {bare_name(name): [index[one] for one in own] for name, own in self.label_set.regions.items()}
        known = {name: own[0] for name, own in regions.items() if len(own) == 1} | known
        classes = {number: known[bare_name(name)] for number, name in segments.items() if bare_name(name) in known}
        for name in (name for number, name in segments.items() if number not in classes):
            if bare_name(name) not in regions:
                raise DatalistError(f"segment '{name}' is not known; known are {self._listed()}. {WHAT_TO_DO}")
            if lost := [self.names[n] for n in regions[bare_name(name)] if n not in classes.values()]:
                raise DatalistError(
                    f"segment '{name}' is a region of labels, and there is no segment of {', '.join(lost)}"
                )
        return classes

    def _listed(self) -> str:
        return ", ".join(dict.fromkeys([*self.names.values(), *self.label_set.regions]))


def labels_of(predictions: LabelMaps, references: LabelMaps, given: LabelSet | None) -> Labels:
    """What to score in these label maps.

    Args:
        predictions: As found.
        references: As found; without ``given`` and without declared names all of them are read.
        given: Of a bundle or a file; None takes the labels that the references declare, then those that the
            predictions declare, then every value or segment name that any reference has.

    Raises:
        DatalistError: A declared or recorded name is not in the label set; values of predictions can be read in two
            ways; numbers on one side and names of segments on the other with nothing to tell which is which; as
            ``search_labels``.
    """
    theirs, ours = references.label_names, predictions.label_names
    if given is None and theirs is None:
        theirs = ours  # one convention, since nobody speaks of two
    if given is None and theirs is None:
        _check_kinds(predictions, references)
    label_set = given or (search_labels(references) if theirs is None else declared_labels(theirs))
    labels = Labels(label_set, theirs, ours, numbered=given is None and theirs is None)
    faults = [_region_fault(name, own) for name, own in label_set.regions.items() if _is_taken(name, own, labels)]
    wrong = _faults_of(labels.of_reference)
    faults += [f"'{references.root}': {fault}" for fault in wrong]
    for file in predictions.files.values():
        found = _faults_of(partial(labels.of_prediction, file))
        faults += [f"'{predictions.root}': {fault}" for fault in found if fault not in wrong]
    raise_faults("Labels", dict.fromkeys(faults), DatalistError)
    return labels


def _faults_of(read: Callable[[], object]) -> tuple[str, ...]:
    try:
        read()
    except DatalistError as error:
        return (str(error),)
    return ()


def _check_kinds(predictions: LabelMaps, references: LabelMaps) -> None:
    words: Mapping[Kind, str] = {"nifti": "numbers", "seg": "named segments"}
    ours, theirs = ({file.kind for file in maps.files.values()} for maps in (predictions, references))
    if ours and len(ours | theirs) > 1:
        listed = [" and ".join(words[kind] for kind in sorted(kinds)) for kinds in (ours, theirs)]
        raise DatalistError(
            f"The predictions hold {listed[0]}, the references {listed[1]}; nothing tells which is which. {WHAT_TO_DO}."
        )


def _is_taken(name: str, own: Iterable[str], labels: Labels) -> bool:
    return name in labels.names.values() and tuple(own) != (name,)


def _region_fault(name: str, own: Iterable[str]) -> str:
    return f"'{name}' is a label and also a region of {', '.join(own)}; rename one of them"


def contradict(first: Mapping[int, int], second: Mapping[int, int], values: Iterable[int]) -> bool:
    """Whether one of these values, known to both, means two labels."""
    return any(first[value] != second[value] for value in values)


def _all_names(label: Label) -> tuple[str, ...]:
    return (label.name, *label.aliases)

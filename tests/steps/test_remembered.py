from pathlib import Path

from medseg.steps.remembered import key_on_this_machine, recall, remember


def test_an_answer_is_kept_beside_the_others(tmp_path: Path) -> None:
    memory = tmp_path / "new" / "answers.json"
    remember(memory, "a", True)
    remember(memory, "b", "bf16")
    assert (recall(memory, "a"), recall(memory, "b"), recall(memory, "c")) == (True, "bf16", None)


def test_a_damaged_file_knows_nothing_and_is_written_anew(tmp_path: Path) -> None:
    memory = tmp_path / "answers.json"
    for text in ("{", "[1, 2]", ""):
        memory.write_text(text)
        assert recall(memory, "a") is None
    remember(memory, "a", 1)
    assert recall(memory, "a") == 1


def test_a_place_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    memory = tmp_path / "file" / "answers.json"
    remember(memory, "a", 1)
    assert recall(memory, "a") is None


def test_another_question_has_another_key() -> None:
    assert key_on_this_machine(["x", 1]) == key_on_this_machine(["x", 1])
    assert key_on_this_machine(["x", 1]) != key_on_this_machine(["x", 2])

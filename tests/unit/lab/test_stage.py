"""Steps of the build: made once for each set of inputs, whole or not at all."""

from pathlib import Path

import pytest

from lab.errors import LabError
from lab.place import held
from lab.stage import KEPT, digest, stage


def write(folder: Path) -> None:
    (folder / "result").write_text(folder.name)


def refuse(folder: Path) -> None:
    (folder / "result").write_text("half")
    raise LabError("no mirror")


def test_a_step_is_made_once_for_the_same_inputs(tmp_path: Path) -> None:
    key = digest("a")
    first = stage(tmp_path, "step", key, write)
    assert stage(tmp_path, "step", key, refuse) == first
    assert (first / "result").exists()


def test_a_step_that_failed_is_made_anew(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no mirror"):
        stage(tmp_path, "step", digest("a"), refuse)
    assert (stage(tmp_path, "step", digest("a"), write) / "result").read_text() != "half"


def test_only_the_last_used_results_stay(tmp_path: Path) -> None:
    folders = [stage(tmp_path, "step", digest(str(number)), write) for number in range(KEPT + 2)]
    left = [folder for folder in folders if folder.exists()]
    assert len(left) == KEPT
    assert folders[-1] in left


def test_a_key_is_of_names_and_content_and_not_of_compiled_files(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    before = digest(tmp_path)
    (tmp_path / "a.pyc").write_text("x")
    assert digest(tmp_path) == before
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    renamed = digest(tmp_path)
    (tmp_path / "b.py").write_text("2")
    assert len({before, renamed, digest(tmp_path)}) == 3


def test_a_lock_that_is_held_is_refused_and_free_again_after(tmp_path: Path) -> None:
    refusal = LabError("a lab is up already")
    with (
        held(tmp_path / "lock", 0, refusal),
        pytest.raises(LabError, match="up already"),
        held(tmp_path / "lock", 0, refusal),
    ):
        pass
    with held(tmp_path / "lock", 0, refusal):
        pass

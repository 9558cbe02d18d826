"""`workbench review`: what is chosen on the command line reaches the notebook, and what is wrong is one sentence."""

import json

import pytest

from workbench.app.review.page import changes_of, chosen_notebook
from workbench.domain.errors import ConfigError


def test_what_is_chosen_is_set_in_the_cell_of_the_parameters_and_read_last(tmp_path):
    path = chosen_notebook(tmp_path / "review", {"day": "2016-06-24", "what_if": {"a.b": 0.04}})
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    [source] = ["".join(cell["source"]) for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    found: dict[str, object] = {}
    exec(source, found)  # noqa: S102 -- literals of our own notebook
    assert (found["day"], found["what_if"], found["hours"]) == ("2016-06-24", {"a.b": 0.04}, 20.0)


def test_hostile_words_stay_words(tmp_path):
    path = chosen_notebook(tmp_path, {"moment": '"; raise SystemExit #'})
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    [source] = ["".join(cell["source"]) for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    found: dict[str, object] = {}
    exec(source, found)  # noqa: S102 -- literals of our own notebook
    assert found["moment"] == '"; raise SystemExit #'


def test_changes_are_values_as_a_policy_writes_them():
    assert changes_of(["a.b=0.04", "c = 3", 'd="x"', "e=[1, 2]"]) == {"a.b": 0.04, "c": 3, "d": "x", "e": [1, 2]}


@pytest.mark.parametrize("word", ["a.b", "a.b=", "a.b=four"])
def test_a_change_that_is_none_is_refused(word):
    with pytest.raises(ConfigError, match="expected key=value"):
        changes_of([word])

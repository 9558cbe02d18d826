"""Notebooks run strictly: the tag, the parameters, the time limit, and whose error it is."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from workbench.domain import errors
from workbench.domain.errors import ConfigError, DataError, ExecutionError, WorkbenchError
from workbench.runtime.pipelines.notebooks import check_parameters, declared_parameters, execute_notebook, translated

PARAMETERS = 'as_of = ""  # ISO date\npairs = 16\nfolder = ""'

METADATA = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


def write(path: Path, *code: str, tags: tuple[str, ...] = ("parameters",)) -> Path:
    cells = [new_markdown_cell("# A question")]
    cells += [new_code_cell(PARAMETERS, metadata={"tags": [tag]}) for tag in tags]
    cells += [new_code_cell(text) for text in code]
    nbformat.write(new_notebook(cells=cells, metadata=METADATA), path)
    return path


def test_declared_parameters_are_read_with_their_defaults(tmp_path):
    found = declared_parameters(write(tmp_path / "one.ipynb"))
    assert found == {"as_of": '""', "pairs": "16", "folder": '""'}


@pytest.mark.parametrize(("tags", "count"), [((), 0), (("parameter",), 0), (("parameters", "parameters"), 2)])
def test_a_notebook_without_one_tagged_cell_is_refused(tmp_path, tags, count):
    notebook = write(tmp_path / "one.ipynb", "x = 1", tags=tags)
    said = f"one.ipynb must have one cell tagged 'parameters', it has {count}"
    with pytest.raises(ConfigError, match=said):
        check_parameters(notebook, {})
    with pytest.raises(ConfigError, match=said):
        execute_notebook(notebook, tmp_path / "out.ipynb", {}, seconds=10)
    assert not (tmp_path / "out.ipynb").exists()


def test_an_unknown_parameter_is_refused_before_a_kernel_starts(tmp_path):
    notebook = write(tmp_path / "one.ipynb")
    with pytest.raises(ConfigError, match=r"one\.ipynb has no parameter 'pairz': it has as_of, pairs, folder"):
        execute_notebook(notebook, tmp_path / "out.ipynb", {"pairs": 2, "pairz": 2}, seconds=10)
    assert not (tmp_path / "out.ipynb").exists()


def test_a_notebook_that_names_no_kernel_is_refused(tmp_path):
    cell = new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})
    nbformat.write(new_notebook(cells=[cell]), tmp_path / "one.ipynb")
    with pytest.raises(ConfigError, match="not a complete Jupyter notebook: it names no kernel"):
        declared_parameters(tmp_path / "one.ipynb")


@pytest.mark.parametrize("content", ["", "{}", "[]", "not json", '{"cells": 3}', '{"cells": [{}]}'])
def test_a_file_that_is_no_notebook_is_refused(tmp_path, content):
    path = tmp_path / "one.ipynb"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match="is not a complete Jupyter notebook"):
        check_parameters(path, {})


def test_a_missing_notebook_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"notebook .*gone\.ipynb does not exist"):
        declared_parameters(tmp_path / "gone.ipynb")


def test_a_notebook_runs_with_its_parameters_and_leaves_a_copy_and_html(tmp_path):
    (tmp_path / "source").mkdir()
    source = write(
        tmp_path / "source" / "one.ipynb",
        "from pathlib import Path\nprint(f'{as_of} has {pairs * 2} <b>sides</b>', Path.cwd().name)",
    )
    before = source.read_bytes()
    execute_notebook(source, tmp_path / "one.ipynb", {"as_of": "2026-10-30", "pairs": 8}, seconds=60)
    executed = nbformat.read(tmp_path / "one.ipynb", as_version=4)
    said = executed.cells[-1].outputs[0].text
    assert said.strip() == "2026-10-30 has 16 <b>sides</b> source"
    html = (tmp_path / "one.html").read_text(encoding="utf-8")
    assert "2026-10-30 has 16 &lt;b&gt;sides&lt;/b&gt;" in html
    assert source.read_bytes() == before


def test_an_error_of_ours_comes_back_as_itself_with_its_sentence(tmp_path):
    code = "from workbench.domain.errors import DataError\nraise DataError('EURUSD is empty: repair the file')"
    with pytest.raises(DataError, match=r"^EURUSD is empty: repair the file$"):
        execute_notebook(write(tmp_path / "one.ipynb", code), tmp_path / "out.ipynb", {}, seconds=60)
    assert (tmp_path / "out.ipynb").is_file()
    assert not (tmp_path / "out.html").exists()


def test_any_other_error_is_an_execution_error_that_names_the_copy(tmp_path):
    with pytest.raises(ExecutionError, match=r"one\.ipynb failed with ZeroDivisionError: .*zero; see .*out\.ipynb"):
        execute_notebook(write(tmp_path / "one.ipynb", "1 / 0"), tmp_path / "out.ipynb", {}, seconds=60)


@pytest.mark.parametrize("then", [(), ("print('never')",)], ids=["last cell", "cell in the middle"])
@pytest.mark.parametrize("leave", ["import sys\nsys.exit()", "raise SystemExit(0)", "exit()", "quit()"])
def test_a_cell_that_leaves_the_notebook_early_is_no_success(tmp_path, leave, then):
    notebook = write(tmp_path / "one.ipynb", leave, *then)
    with pytest.raises(
        ExecutionError, match=rf"out\.ipynb was left in its code cell 2 of {2 + len(then)}: .* take exit"
    ):
        execute_notebook(notebook, tmp_path / "out.ipynb", {}, seconds=60)
    assert not (tmp_path / "out.html").exists()


def test_a_notebook_that_takes_too_long_is_stopped(tmp_path):
    notebook = write(tmp_path / "one.ipynb", "import time\ntime.sleep(60)")
    with pytest.raises(ExecutionError, match=r"one\.ipynb took longer than its limit of 1 s and was stopped"):
        execute_notebook(notebook, tmp_path / "out.ipynb", {}, seconds=1)


def test_the_limit_is_for_the_whole_notebook_not_for_each_cell(tmp_path):
    naps = ["import time\ntime.sleep(1.5)"] * 4
    notebook = write(tmp_path / "naps.ipynb", PARAMETERS, *naps)
    with pytest.raises(ExecutionError, match=r"naps\.ipynb took longer than its limit of 4 s"):
        execute_notebook(notebook, tmp_path / "out.ipynb", {}, seconds=4)


def test_every_error_of_the_tree_keeps_its_class(tmp_path):
    kinds = {
        name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, WorkbenchError)
    }
    assert len(kinds) == 7
    for name, kind in kinds.items():
        error = translated(name, "a sentence", tmp_path / "one.ipynb", tmp_path / "out.ipynb")
        assert (type(error), str(error)) == (kind, "a sentence")


@pytest.mark.parametrize("name", ["ValueError", "__name__", "__doc__", "KeyboardInterrupt", "NoSuchError"])
def test_a_foreign_error_is_cut_short(tmp_path, name):
    error = translated(name, "x" * 5000, tmp_path / "one.ipynb", tmp_path / "out.ipynb")
    assert type(error) is ExecutionError
    assert len(str(error)) < 500 + len(str(tmp_path))

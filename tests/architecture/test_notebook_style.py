"""Notebooks are thin: import, call, show. The logic they tell about lives in the package."""

import ast
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
MAXIMUM_CELL_LINES = 12
FIRST_CELL_ANSWERS = ("question", "data", "run time")
THICK = {
    ast.FunctionDef: "a def", ast.AsyncFunctionDef: "a def", ast.Lambda: "a lambda", ast.ClassDef: "a class",
    ast.For: "a loop", ast.AsyncFor: "a loop", ast.While: "a loop", ast.comprehension: "a loop",
    ast.If: "a branch", ast.IfExp: "a branch", ast.Match: "a branch", ast.Try: "a try",
}  # fmt: skip

Notebook = dict[str, Any]
NOTEBOOKS = sorted(path for path in (ROOT / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)


def source_of(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def code_cells(notebook: Notebook) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def python_of(cell: dict[str, Any]) -> str:
    """Return the cell without its magics, which are not Python."""
    return "\n".join(line for line in source_of(cell).splitlines() if not line.lstrip().startswith(("%", "!")))


def logic(notebook: Notebook) -> list[str]:
    nodes = [node for cell in code_cells(notebook) for node in ast.walk(ast.parse(python_of(cell)))]
    return sorted({f"holds {THICK[type(node)]}" for node in nodes if type(node) in THICK})


def long_cells(notebook: Notebook) -> list[str]:
    sizes = [len(source_of(cell).splitlines()) for cell in code_cells(notebook)]
    return [f"code cell {place} has {size} lines" for place, size in enumerate(sizes, 1) if size > MAXIMUM_CELL_LINES]


def parameter_cells(notebook: Notebook) -> list[str]:
    cells = [cell for cell in code_cells(notebook) if "parameters" in cell["metadata"].get("tags", [])]
    if len(cells) != 1:
        return [f"{len(cells)} cells tagged parameters, expected one"]
    body = ast.parse(python_of(cells[0])).body
    wrong = [node for node in body if not isinstance(node, ast.Assign | ast.AnnAssign) or not is_literal(node.value)]
    return [f"line {node.lineno} of the parameters is no literal" for node in wrong]


def is_literal(value: ast.expr | None) -> bool:
    try:
        ast.literal_eval(value or "")
    except ValueError:
        return False
    return True


def opening(notebook: Notebook) -> list[str]:
    first = notebook["cells"][0] if notebook["cells"] else {"cell_type": "none", "source": ""}
    if first["cell_type"] != "markdown":
        return ["does not begin with a markdown cell"]
    return [
        f"first cell says nothing about: {word}" for word in FIRST_CELL_ANSWERS if word not in source_of(first).lower()
    ]


def untold(notebook: Notebook) -> list[str]:
    told = len([cell for cell in notebook["cells"] if cell["cell_type"] == "markdown"])
    code = len(code_cells(notebook))
    return [f"{told} markdown cells for {code} code cells: about one each"] if told * 2 < code else []


def stored_outputs(notebook: Notebook) -> list[str]:
    kept = [cell for cell in code_cells(notebook) if cell["outputs"] or cell["execution_count"] is not None]
    return [f"{len(kept)} cells keep outputs or counts: run nbstripout"] if kept else []


def magic_installs(notebook: Notebook) -> list[str]:
    return (
        ["installs packages"]
        if re.search(r"^\s*[%!]\s*(pip|conda)", "\n".join(map(source_of, code_cells(notebook))), re.MULTILINE)
        else []
    )


RULES: dict[str, Callable[[Notebook], list[str]]] = {
    "logic": logic,
    "long cells": long_cells,
    "parameters": parameter_cells,
    "opening": opening,
    "markdown": untold,
    "outputs": stored_outputs,
    "installs": magic_installs,
}


@pytest.mark.parametrize("rule", RULES)
def test_notebooks_are_thin(rule: str) -> None:
    findings = [
        f"{path.relative_to(ROOT)}: {finding}"
        for path in NOTEBOOKS
        for finding in RULES[rule](json.loads(path.read_text(encoding="utf-8")))
    ]
    assert not findings, "\n".join(findings)


def cell(kind: str, source: str, *tags: str, **changes: Any) -> dict[str, Any]:
    outputs = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "source": source, "metadata": {"tags": list(tags)}, **outputs, **changes}


OPENING = cell("markdown", "# VaR\nQuestion: how much? Data: ECB fixes. Run time: 20 s.")
PARAMETERS = cell("code", 'as_of = "2026-10-30"  # day\nconfidence = 0.99\nwindow = -1', "parameters")


def story(*cells: dict[str, Any]) -> Notebook:
    return {"cells": [OPENING, PARAMETERS, *cells]}


BAD = {
    "logic: def": ("logic", story(cell("code", "def f(): ..."))),
    "logic: loop": ("logic", story(cell("code", "total = sum(x for x in rows)"))),
    "logic: branch": ("logic", story(cell("code", "if adopted:\n    show()"))),
    "long cell": ("long cells", story(cell("code", "x = 1\n" * 13))),
    "no parameters": ("parameters", {"cells": [OPENING]}),
    "two parameters": ("parameters", story(PARAMETERS)),
    "computed parameter": ("parameters", {"cells": [OPENING, cell("code", "day = today()", "parameters")]}),
    "no opening": ("opening", {"cells": [PARAMETERS, OPENING]}),
    "opening without run time": ("opening", {"cells": [cell("markdown", "Question? Data: ECB."), PARAMETERS]}),
    "no words": ("markdown", story(*[cell("code", "show()")] * 3)),
    "kept output": ("outputs", story(cell("code", "show()", outputs=[{}]))),
    "kept count": ("outputs", story(cell("code", "show()", execution_count=3))),
    "install": ("installs", story(cell("code", "%pip install pandas"))),
}


@pytest.mark.parametrize("case", BAD)
def test_each_rule_finds_what_breaks_it(case: str) -> None:
    rule, notebook = BAD[case]
    assert RULES[rule](notebook)


def test_a_thin_notebook_passes_every_rule() -> None:
    good = story(
        cell("markdown", "What it says."), cell("code", "%matplotlib inline\nresult = calibrate(config)\nresult")
    )
    assert [finding for rule in RULES.values() for finding in rule(good)] == []

"""The house style, held by one test: sizes, names, errors, suppressions, docstrings.

Each rule is a function from source to findings, tried on the real sources and on a snippet that breaks it.
"""

import ast
import importlib
import inspect
import pkgutil
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest
from numpydoc.validate import validate

import workbench

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "workbench"
CORE = ("domain", "risk", "regimes", "strategies", "portfolio", "controls", "stress", "research", "engine")

MAXIMUM_FILE_LINES = 400
MAXIMUM_FUNCTION_LINES = 50
MAXIMUM_PARAMETERS = 6
MAXIMUM_FILES_PER_FOLDER = 10
MAXIMUM_LEVELS = 2
MAXIMUM_BROAD_EXCEPTS = 1
"""The live loop's outermost guard, which halts and alerts."""
MAXIMUM_SUPPRESSIONS = 5

BANNED_WORDS = {"util", "utils", "helper", "helpers", "manager", "managers", "handler", "handlers"}
BANNED_NAMES = {"base", "common", "misc"}
BANNED_BEGINNINGS = ("get_", "calc_", "do_")

DOCSTRING_CHECKS = {
    "GL03",  # no double blank lines
    "GL06", "GL07",  # known sections, in numpydoc's order
    "GL08",  # there is a docstring
    "SS01", "SS02", "SS03", "SS04",  # a summary: capital letter, full stop, no leading spaces
    "PR01", "PR02", "PR03", "PR04", "PR07",  # every parameter, no other, in order, with type and description
    "RT01",  # what is returned
    "YD01",  # what is yielded
}  # fmt: skip
SECTIONS = {check for check in DOCSTRING_CHECKS if check[:2] in {"PR", "RT", "YD"}}
"""Checks of numpydoc.validate that public functions and methods must pass."""


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def functions_of(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


# --- rules: source text in, findings out


def long_files(source: str) -> list[str]:
    lines = len(source.splitlines())
    return [f"{lines} lines, at most {MAXIMUM_FILE_LINES}"] if lines > MAXIMUM_FILE_LINES else []


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a function without its docstring: what we ask to be long must not count against it."""
    first = node.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(getattr(first.value, "value", None), str)
    docstring = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
    return (node.end_lineno or 0) - node.lineno + 1 - docstring


def long_functions(source: str) -> list[str]:
    sizes = [(node.name, code_lines(node)) for node in functions_of(ast.parse(source))]
    return [f"{name} has {size} lines" for name, size in sizes if size > MAXIMUM_FUNCTION_LINES]


def wide_functions(source: str) -> list[str]:
    findings = []
    for node in functions_of(ast.parse(source)):
        names = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
        names += [a.arg for a in (node.args.vararg, node.args.kwarg) if a]
        count = len([name for name in names if name not in {"self", "cls"}])
        if count > MAXIMUM_PARAMETERS:
            findings.append(f"{node.name} has {count} parameters, at most {MAXIMUM_PARAMETERS}")
    return findings


def banned_name(name: str) -> bool:
    """Say whether a module, class or function has a name that says nothing."""
    words = set(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_").split("_"))
    plain = name.lower().strip("_")
    return bool(words & BANNED_WORDS) or plain in BANNED_NAMES or name.lstrip("_").startswith(BANNED_BEGINNINGS)


def banned_definitions(source: str) -> list[str]:
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    names = [node.name for node in ast.walk(ast.parse(source)) if isinstance(node, kinds)]
    return [f"the name {name} says nothing" for name in names if banned_name(name)]


def broad_excepts(source: str) -> list[str]:
    findings = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ExceptHandler):
            caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            names = {kind.id for kind in caught if isinstance(kind, ast.Name)}
            if node.type is None or names & {"Exception", "BaseException"}:
                findings.append(f"line {node.lineno} catches everything")
    return findings


def smoothed_names(source: str) -> list[str]:
    """Return names others can reach; what an estimator sums up inside itself is its own affair."""
    names: set[str] = set()
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Attribute):
            names.add(node.attr)
    for holder in (tree, *(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))):
        targets = [t for node in holder.body if isinstance(node, ast.Assign) for t in node.targets]
        targets += [node.target for node in holder.body if isinstance(node, ast.AnnAssign)]
        names |= {target.id for target in targets if isinstance(target, ast.Name)}
    public = sorted(name for name in names if not name.startswith("_"))
    return [f"{name} would see the future" for name in public if "smoothed" in name.lower()]


SUPPRESSION = re.compile(
    r"#\s*(noqa|type: ignore)\b(?P<codes>(?::\s*[A-Z]+\d+(?:[,\s]+[A-Z]+\d+)*)|(?:\[[\w\-, ]+\]))?"
)


def suppressed_rules(source: str) -> list[str]:
    """Return the rules a source switches off, one for each time; ``EVERYTHING`` where it names none."""
    rules = []
    for found in SUPPRESSION.finditer(source):
        rules += re.findall(r"[\w-]+", found["codes"] or "") or ["EVERYTHING"]
    return rules + ["EVERYTHING"] * len(re.findall(r"#\s*(?:ruff|flake8|mypy):\s*(?:noqa|ignore-errors)", source))


LOCAL_PATH = re.compile(r"(?<![\w.])/(?:home|root|Users|work)/[\w.]+|\b[A-Z]:\\\\?Users")
INDEX_HOST = re.compile(r"\b(?:pypi|pythonhosted|anaconda)\.(?:org|com)\b|--(?:extra-)?index-url\s+https?:")


def foreign_mentions(text: str) -> list[str]:
    return [f"mentions {found.group()}" for rule in (LOCAL_PATH, INDEX_HOST) for found in rule.finditer(text)]


RULES: dict[str, Callable[[str], list[str]]] = {
    "long file": long_files,
    "long function": long_functions,
    "wide function": wide_functions,
    "banned name": banned_definitions,
}


@pytest.mark.parametrize("rule", RULES)
def test_sources_keep_the_house_style(rule: str) -> None:
    folders = ("src", "tests", "benchmarks") if rule in {"long file", "long function"} else ("src",)
    # the parameters of a command are its options: what a user may say, each with its own help
    left_out = SOURCE / "cli" if rule == "wide function" else None
    findings = [
        f"{path.relative_to(ROOT)}: {finding}"
        for path in python_files(*folders)
        if left_out is None or left_out not in path.parents
        for finding in RULES[rule](path.read_text(encoding="utf-8"))
    ]
    assert not findings, "\n".join(findings)


def test_no_module_or_folder_has_a_name_that_says_nothing() -> None:
    names = {part for path in python_files("src") for part in path.relative_to(ROOT / "src").with_suffix("").parts}
    assert sorted(filter(banned_name, names - {"__init__", "__main__"})) == []


def test_rooms_are_small_and_two_levels_deep() -> None:
    files = Counter(path.parent for path in python_files("src") if path.name != "__init__.py")
    crowded = {
        str(folder.relative_to(SOURCE)): count for folder, count in files.items() if count > MAXIMUM_FILES_PER_FOLDER
    }
    deep = [str(folder) for folder in files if len(folder.relative_to(SOURCE).parts) > MAXIMUM_LEVELS]
    assert (crowded, deep) == ({}, [])


def test_only_the_outermost_guard_catches_everything() -> None:
    findings = {path: broad_excepts(path.read_text(encoding="utf-8")) for path in python_files("src")}
    places = [f"{path.relative_to(SOURCE)}: {finding}" for path, found in findings.items() for finding in found]
    assert len(places) <= MAXIMUM_BROAD_EXCEPTS, "\n".join(places)
    assert all(place.startswith("runtime/") for place in places), places


def test_no_public_name_of_the_core_is_smoothed() -> None:
    findings = [
        f"{path.relative_to(SOURCE)}: {finding}"
        for room in CORE
        for path in python_files(f"src/workbench/{room}")
        for finding in smoothed_names(path.read_text(encoding="utf-8"))
    ]
    assert not findings, "\n".join(findings)


def test_a_rule_suppressed_too_often_is_deleted_not_suppressed() -> None:
    counts: Counter[str] = Counter()
    for path in python_files("src", "tests", "benchmarks"):
        rules = suppressed_rules(path.read_text(encoding="utf-8")) if path != Path(__file__) else []
        checked = [rule for rule in rules if path.is_relative_to(SOURCE) or not rule.islower()]  # mypy reads src only
        counts.update(checked)
    assert counts["EVERYTHING"] == 0
    assert {rule: count for rule, count in counts.items() if count > MAXIMUM_SUPPRESSIONS} == {}


TEXTS = {".py", ".md", ".toml", ".yml", ".yaml", ".ipynb", ".lock", ".txt", ".html", ".js", ".css", ".csv", ""}
NOT_OURS = {".git", ".venv", "var", "__pycache__", "node_modules"}


def repository_texts() -> Iterator[Path]:
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        cached = any(part in NOT_OURS or part.endswith(("_cache", "egg-info", "checkpoints")) for part in parts)
        if not cached and ".hypothesis" not in parts and path.is_file() and path.suffix in TEXTS:
            yield path


def test_nothing_mentions_a_local_path_or_a_package_index() -> None:
    findings = [
        f"{path.relative_to(ROOT)} {finding}"
        for path in repository_texts()
        for finding in foreign_mentions(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert not findings, "\n".join(findings)


# --- docstrings


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(workbench.__path__, "workbench."):
        if not found.name.rpartition(".")[2].startswith("_"):
            yield importlib.import_module(found.name)


def public_functions(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Yield a module's own public functions and the public methods of its classes, by dotted name."""
    if module.__name__.startswith("workbench.cli"):
        return  # commands are documented by the help of their options
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
            continue
        if inspect.isclass(value):
            for key, member in vars(value).items():
                if not key.startswith("_") and isinstance(member, classmethod | staticmethod | FunctionType):
                    yield f"{module.__name__}.{name}.{key}", getattr(value, key)
        elif inspect.isroutine(value) or hasattr(value, "py_func"):
            yield f"{module.__name__}.{name}", value


def protocol_methods() -> set[str]:
    """Return the names of methods that a protocol documents for all its members."""
    classes = {value for module in modules() for value in vars(module).values() if inspect.isclass(value)}
    protocols = [
        kind for kind in classes if getattr(kind, "_is_protocol", False) and kind.__module__.startswith("workbench")
    ]
    return {name for kind in protocols for name in vars(kind) if not name.startswith("_")}


def docstring_findings(name: str, value: Any, documented_once: set[str]) -> list[str]:
    """Return what is missing; a summary is enough where there is nothing to pass or a protocol says the rest.

    Compiled kernels need a summary too, but no sections: their contract stands at the function that calls them.
    """
    passed = (
        [key for key in inspect.signature(value).parameters if key not in {"self", "cls"}] if callable(value) else []
    )
    member = name.count(".") > value.__module__.count(".") + 1
    brief = hasattr(value, "py_func") or (member and (not passed or name.rpartition(".")[2] in documented_once))
    checks = DOCSTRING_CHECKS - (SECTIONS if brief else set())
    return [f"{name}: {code} {message}" for code, message in validate(name)["errors"] if code in checks]


def test_public_functions_have_whole_docstrings() -> None:
    documented_once = protocol_methods()
    findings = [
        finding
        for module in modules()
        for name, value in public_functions(module)
        for finding in docstring_findings(name, value, documented_once)
    ]
    assert not findings, "\n".join(findings)


def test_public_modules_and_classes_say_what_they_are() -> None:
    silent = []
    for module in modules():
        own = [value for value in vars(module).values() if getattr(value, "__module__", None) == module.__name__]
        silent += [
            f"{module.__name__}.{value.__name__}" for value in own if inspect.isclass(value) and not value.__doc__
        ]
        silent += [] if module.__doc__ and "TODO" not in module.__doc__ else [module.__name__]
    assert not silent, "no docstring: " + ", ".join(silent)


# --- the rules can fail

BAD = {
    "long file": (long_files, "x = 1\n" * 401),
    "long function": (long_functions, "def f():\n" + "    x = 1\n" * 50),
    "wide function": (wide_functions, "def f(self, a, b, c, d, *, e, f, **rest): ..."),
    "banned prefix": (banned_definitions, "def get_rate(): ..."),
    "banned private prefix": (banned_definitions, "def _calc_rate(): ..."),
    "banned class": (banned_definitions, "class OrderManager: ..."),
    "banned whole name": (banned_definitions, "class Base: ..."),
    "bare except": (broad_excepts, "try:\n    f()\nexcept:\n    pass"),
    "broad except": (broad_excepts, "try:\n    f()\nexcept (OSError, Exception):\n    pass"),
    "smoothed function": (smoothed_names, "def smoothed_probability(x): ..."),
    "smoothed field": (smoothed_names, "class Fit:\n    smoothed: float"),
    "smoothed attribute": (smoothed_names, "x = fit.smoothed"),
    "bare suppression": (suppressed_rules, "x = 1  # no" + "qa"),
    "file suppression": (suppressed_rules, "# ru" + "ff: no" + "qa"),
    "bare type suppression": (suppressed_rules, "x = 1  # type" + ": ignore"),
    "local path": (foreign_mentions, "see /" + "home/ann/notes"),
    "index host": (foreign_mentions, "https://py" + "pi.org/simple"),
}
GOOD = {
    "long file": (long_files, "x = 1\n" * 400),
    "long function": (long_functions, "def f():\n" + "    x = 1\n" * 49),
    "long docstring": (long_functions, 'def f():\n    """Line.' + "\n" * 60 + '    """\n' + "    x = 1\n" * 40),
    "wide function": (wide_functions, "def f(self, a, b, c, d, *, e, f): ..."),
    "names of the field": (banned_definitions, "class Pair: ...\ndef base_rate(): ...\ndef target(): ..."),
    "narrow except": (broad_excepts, "try:\n    f()\nexcept (OSError, ValueError):\n    pass"),
    "private smoothing": (smoothed_names, "def _smoothed(x): ..."),
    "ordinary path": (foreign_mentions, "var/runs/2026-10-30 and https://example.org/home/"),
}


@pytest.mark.parametrize("case", BAD)
def test_each_rule_finds_what_breaks_it(case: str) -> None:
    rule, source = BAD[case]
    assert rule(source)


@pytest.mark.parametrize("case", GOOD)
def test_no_rule_finds_fault_with_what_keeps_it(case: str) -> None:
    rule, source = GOOD[case]
    assert rule(source) == []


def test_suppressions_are_counted_by_rule() -> None:
    assert suppressed_rules("a  # no" + "qa: E501, S603\nb  # type" + ": ignore[misc]") == ["E501", "S603", "misc"]


def undocumented(value: float) -> float:
    """Return the value"""
    return value


def test_docstring_checks_find_a_missing_section(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("snippet")
    undocumented.__module__ = "snippet"
    module.__dict__["undocumented"] = undocumented
    monkeypatch.setitem(__import__("sys").modules, "snippet", module)
    assert list(public_functions(module)) == [("snippet.undocumented", undocumented)]
    codes = {finding.split()[1] for finding in docstring_findings("snippet.undocumented", undocumented, set())}
    assert {"SS03", "PR01", "RT01"} <= codes

"""The pages do not rot: links, files, commands, make targets, modules, policy keys and examples are all real."""

import importlib
import re
from pathlib import Path

import pytest
import typer

from workbench.cli import cli
from workbench.controls.modes import mode_diagram
from workbench.data.policy_file import read_policy
from workbench.data.sources.ecb import EcbHistory
from workbench.risk.models import COMBINATION, MODELS
from workbench.risk.race import title_of
from workbench.runtime.studies.early_warning import early_warning

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
ROOMS = ("src/", "tests/", "docs/", "notebooks/", "pipelines/", "benchmarks/")


def blocks(text: str, language: str) -> list[str]:
    return [body for kind, body in FENCE.findall(text) if kind == language]


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", FENCE.sub("", text))


def anchors(text: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken_links(page: Path, text: str) -> list[str]:
    found = []
    for target in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", text)):
        if target.startswith(("http://", "https://")):
            continue
        file, _, anchor = target.partition("#")
        path = (page.parent / file).resolve() if file else page
        if not path.exists() or (anchor and anchor not in anchors(path.read_text(encoding="utf-8"))):
            found.append(target)
    return found


def missing_files(text: str) -> list[str]:
    named = [word for word in quoted(text) if word.startswith(ROOMS) and " " not in word]
    return [word for word in named if not (ROOT / word).exists()]


def unknown_commands(text: str) -> list[str]:
    lines = "\n".join([*blocks(text, ""), *quoted(text)]).splitlines()
    commands = [line.split("workbench ", 1)[1] for line in lines if re.match(r"^(\.venv/bin/)?workbench ", line)]
    found = []
    for command in commands:
        words, known = command.split(), typer.main.get_command(cli)
        while words and words[0] in getattr(known, "commands", {}):
            known = known.commands[words.pop(0)]  # type: ignore[attr-defined]
        options = {option for parameter in known.params for option in parameter.opts} | {"--help"}
        is_group = bool(getattr(known, "commands", {}))
        wrong = [word for word in words if word.startswith("--") and word.split("=")[0] not in options]
        if wrong or (is_group and words and not words[0].startswith("-")):
            found.append(command)
    return found


def unknown_targets(text: str) -> list[str]:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    lines = "\n".join([*blocks(text, ""), *quoted(text)])
    return [name for name in re.findall(r"(?:^|[\s;])make ([a-z-]+)", lines) if name not in targets]


def missing_names(text: str) -> list[str]:
    found = []
    for name in {word for word in quoted(text) if re.fullmatch(r"workbench(\.\w+)+", word)}:
        module, _, last = name.rpartition(".")
        try:
            importlib.import_module(name)
        except ModuleNotFoundError:
            if not hasattr(importlib.import_module(module), last):
                found.append(name)
    return found


def unknown_keys(text: str) -> list[str]:
    policy = read_policy()
    sections = tuple(f"{name}." for name in type(policy).model_fields)
    found = []
    for key in {word for word in quoted(text) if word.startswith(sections) and re.fullmatch(r"[\w.]+", word)}:
        value: object = policy
        for part in key.split("."):
            value = getattr(value, part, None)
        if value is None:
            found.append(key)
    return found


CHECKS = {
    "files": missing_files,
    "commands": unknown_commands,
    "make targets": unknown_targets,
    "names": missing_names,
    "policy keys": unknown_keys,
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_everything_a_page_names_exists(page):
    text = page.read_text(encoding="utf-8")
    wrong = {kind: check(text) for kind, check in CHECKS.items()} | {"links": broken_links(page, text)}
    assert not {kind: names for kind, names in wrong.items() if names}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_examples_of_a_page_run(page):
    for example in blocks(page.read_text(encoding="utf-8"), "python"):
        exec(compile(example, page.name, "exec"), {})  # noqa: S102


def test_every_page_is_in_the_index_and_the_index_in_the_readme():
    listed = set(re.findall(r"\]\(([\w-]+\.md)\)", (ROOT / "docs" / "index.md").read_text(encoding="utf-8")))
    assert listed == {page.name for page in PAGES[1:]} - {"index.md"}
    assert "(docs/index.md)" in PAGES[0].read_text(encoding="utf-8")


def test_a_rotten_page_is_caught(tmp_path):
    page = tmp_path / "page.md"
    text = (
        "[gone](gone.md) `src/gone.py` `workbench.gone` `ladders.drawdown.rung_9.trigger` `make gone`\n"
        "```\nworkbench daily --gone\nworkbench gone\n```\n"
    )
    page.write_text(text)
    assert broken_links(page, text) == ["gone.md"]
    assert missing_files(text) == ["src/gone.py"]
    assert missing_names(text) == ["workbench.gone"]
    assert unknown_keys(text) == ["ladders.drawdown.rung_9.trigger"]
    assert unknown_targets(text) == ["gone"]
    assert unknown_commands(text) == ["daily --gone", "gone"]


def test_the_table_of_models_is_the_registry():
    text = (ROOT / "docs" / "var-models.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (.+) \|$", text, re.MULTILINE))
    assert set(rows) == {*MODELS, COMBINATION}
    assert all(rows[name] == title_of(name) for name in MODELS)


def test_the_base_rates_on_the_page_are_those_of_the_code():
    text = (ROOT / "docs" / "regimes.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^\| ([a-z0-9][^|]+?) \| ([\d.]+ %) \|$", text, re.MULTILINE))
    study = early_warning(EcbHistory().load(), read_policy())
    assert shown == {name: f"{share:.1%}".replace("%", " %") for name, share in study.base_rates.items()}


def test_the_mode_diagram_on_the_page_is_drawn_from_the_table():
    text = (ROOT / "docs" / "controls.md").read_text(encoding="utf-8")
    assert blocks(text, "mermaid") == [mode_diagram() + "\n"]

"""One environment in three files: pyproject.toml asks, requirements.lock pins, environment.yml repeats the pins."""

import re
import tomllib
from collections import defaultdict
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
CONDA = (ROOT / "environment.yml").read_text(encoding="utf-8")
HASH = re.compile(r"\s--hash=sha256:[0-9a-f]{64}")


def direct_requirements() -> list[Requirement]:
    extras = PROJECT["optional-dependencies"]
    return [Requirement(line) for line in (*PROJECT["dependencies"], *extras["dev"])]


def conda_python(text: str) -> str:
    found = re.search(r"^  - python=([\d.]+)$", text, re.MULTILINE)
    assert found, "environment.yml names no Python"
    return found[1]


def conda_pins(text: str) -> dict[str, str]:
    """Return name → exact version of the pip section."""
    lines = re.findall(r"^      - ([A-Za-z].*)$", text, re.MULTILINE)
    pins = [Requirement(line) for line in lines]
    return {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in pins}


def entries(lock: str) -> list[str]:
    """Return the lock's entries, each on one line with its hashes."""
    lines = lock.replace("\\\n", " ").splitlines()
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


def locked_versions(lock: str, python: str) -> dict[str, set[str]]:
    """Return name → versions the lock installs for one version of Python."""
    surroundings = {"python_version": python, "python_full_version": f"{python}.0"}
    versions: dict[str, set[str]] = defaultdict(set)
    for entry in entries(lock):
        pin = Requirement(HASH.sub("", entry))
        if pin.marker is None or pin.marker.evaluate(surroundings):
            versions[canonicalize_name(pin.name)].add(str(pin.specifier).removeprefix("=="))
    return versions


def unpinned(lock: str) -> list[str]:
    """Return entries that are not one exact version with its hashes."""
    exact = re.compile(r"[A-Za-z0-9][\w.\-]*(\[[\w,\-]+\])?==\S")
    return [line for line in entries(lock) if not exact.match(line) or not HASH.search(line)]


def disagreements(conda: str, lock: str, asked: list[Requirement]) -> list[str]:
    """Return the direct requirements whose versions differ, with the line environment.yml should hold."""
    pins, locked = conda_pins(conda), locked_versions(lock, conda_python(conda))
    findings = []
    for requirement in asked:
        name = canonicalize_name(requirement.name)
        versions = locked.get(name, set())
        if len(versions) != 1:
            findings.append(f"{name}: the lock has {sorted(versions) or 'nothing'} for one Python; run make lock")
        elif pins.get(name) not in versions:
            findings.append(f"environment.yml should say: - {requirement.name}=={next(iter(versions))}")
    surplus = pins.keys() - {canonicalize_name(requirement.name) for requirement in asked}
    return findings + [
        f"environment.yml holds {name}, which pyproject.toml does not ask for" for name in sorted(surplus)
    ]


def test_lock_and_conda_environment_have_the_same_direct_versions() -> None:
    assert disagreements(CONDA, LOCK, direct_requirements()) == []


def test_the_lock_satisfies_what_the_project_asks_for() -> None:
    for python in ("3.11", "3.12", "3.13", "3.14"):
        locked = locked_versions(LOCK, python)
        for requirement in direct_requirements():
            versions = locked[canonicalize_name(requirement.name)]
            assert len(versions) == 1, f"{requirement.name} on Python {python}: {sorted(versions)}"
            assert next(iter(versions)) in requirement.specifier


def test_the_lock_pins_everything_by_hash_and_names_no_index() -> None:
    assert unpinned(LOCK) == []
    assert "://" not in LOCK


def test_the_conda_python_is_one_the_project_runs_on() -> None:
    assert conda_python(CONDA) in SpecifierSet(PROJECT["requires-python"])
    assert SpecifierSet(PROJECT["requires-python"]).contains("3.11")


CONDA_SNIPPET = "  - python=3.11\n  - pip:\n      - numpy==2.4.6\n"
LOCK_SNIPPET = "numpy==2.4.6 ; python_full_version < '3.12' \\\n    --hash=sha256:" + "0" * 64 + "\n    # via arch\n"


@pytest.mark.parametrize(
    ("conda", "lock", "asked", "finding"),
    [
        (CONDA_SNIPPET.replace("2.4.6", "2.4.5"), LOCK_SNIPPET, ["numpy"], "should say: - numpy==2.4.6"),
        (CONDA_SNIPPET, LOCK_SNIPPET, ["numpy", "scipy"], "scipy: the lock has nothing"),
        (CONDA_SNIPPET + "      - scipy==1.0\n", LOCK_SNIPPET, ["numpy"], "holds scipy"),
        (CONDA_SNIPPET, LOCK_SNIPPET.replace("<", ">="), ["numpy"], "numpy: the lock has nothing"),
    ],
)
def test_a_version_that_differs_is_found(conda: str, lock: str, asked: list[str], finding: str) -> None:
    assert disagreements(CONDA_SNIPPET, LOCK_SNIPPET, [Requirement("numpy")]) == []
    assert finding in " ".join(disagreements(conda, lock, [Requirement(name) for name in asked]))


def test_a_pin_without_hash_or_an_index_address_is_found() -> None:
    assert unpinned(LOCK_SNIPPET) == []
    assert unpinned(LOCK_SNIPPET + "scipy==1.17.1\n")
    assert unpinned("--index-url somewhere\n" + LOCK_SNIPPET)

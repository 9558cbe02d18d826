"""The page's modules joined into one script and one style sheet: no bundler, nothing loaded from anywhere.

A module may import names from its neighbours (``import { a, b } from "./x.js";``) and export functions, constants and
classes where it declares them; that is all. Every module becomes a function of its own, so that names cannot clash.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import PackageNotFoundError, distribution
from importlib.resources import files

from workbench.domain.errors import ConfigError

ENTRY = "main.js"
STYLES = ("theme.css", "layout.css", "bar.css", "panels.css", "tables.css")
"""In the order of the cascade."""
CHART_PACKAGE = "metaflow-card-uplot"
CHART_SCRIPT, CHART_STYLE = "uPlot.iife.min.js", "uPlot.min.css"

_IMPORT = re.compile(r"""^import \{([^{}]*)\} from "\./([\w-]+\.js)";[ \t]*$""", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?function |const |class )", re.MULTILINE)
_EXPORTED = re.compile(r"^export (?:async function|function|const|class) +(\w+)", re.MULTILINE)
_OTHER = re.compile(r"^[ \t]*(?:import|export)\b.*$|\bimport *\(.*$|\brequire *\(.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Module:
    """One module, taken apart.

    Attributes
    ----------
    name : str
        File name.
    imports : dict of str to tuple of str
        Names taken, by the file they come from.
    exports : tuple of str
        Names given.
    body : str
        What is left.
    """

    name: str
    imports: dict[str, tuple[str, ...]]
    exports: tuple[str, ...]
    body: str


def page_script() -> str:
    """Return the page as one ES module, with uPlot in front.

    Returns
    -------
    str
        Exports ``{render}`` as its default, as anywidget wants it.

    Raises
    ------
    ConfigError
        When a module breaks the rules, or the package that carries uPlot is not installed.
    """
    folder = files("workbench.monitor.board") / "page"
    sources = {entry.name: entry.read_text("utf-8") for entry in folder.iterdir() if entry.name.endswith(".js")}
    return f"{chart_file(CHART_SCRIPT)}\n{joined(sources, ENTRY)}"


def page_style() -> str:
    """Return the page's style sheets as one, uPlot's first.

    Returns
    -------
    str
        CSS.

    Raises
    ------
    ConfigError
        When the package that carries uPlot is not installed.
    """
    folder = files("workbench.monitor.board") / "page"
    return "\n".join([chart_file(CHART_STYLE), *((folder / name).read_text("utf-8") for name in STYLES)])


def chart_file(name: str) -> str:
    """Read one of uPlot's files from the package that carries them; nothing of that package is run.

    Parameters
    ----------
    name : str
        File name.

    Returns
    -------
    str
        Its text.

    Raises
    ------
    ConfigError
        When the package is not installed, or no longer has the file.
    """
    try:
        listed = distribution(CHART_PACKAGE).files or []
    except PackageNotFoundError:
        raise ConfigError(
            f"the page's charts need the package {CHART_PACKAGE}, which is not installed; install it (make setup)"
        ) from None
    for path in listed:
        if path.name == name and path.parent.name == "uplot":
            return path.read_text("utf-8")
    raise ConfigError(f"the package {CHART_PACKAGE} has no file {name}; install the version the project asks for")


def joined(sources: Mapping[str, str], entry: str) -> str:
    """Join modules into one whose default export has the entry's ``render``.

    Parameters
    ----------
    sources : mapping of str to str
        Text of each module by its file name.
    entry : str
        The module that exports ``render``.

    Returns
    -------
    str
        An ES module without imports.

    Raises
    ------
    ConfigError
        On a cycle, a name nobody exports, a module nobody imports, or a form of import or export that is not allowed.
    """
    modules = {name: taken_apart(name, source) for name, source in sources.items()}
    if entry not in modules or "render" not in modules[entry].exports:
        raise ConfigError(f"{entry} must be there and export a function render")
    for module in modules.values():
        _check_imports(module, modules)
    _check_reached(modules, entry)
    parts = [_wrapped(modules[name]) for name in _ordered(modules)]
    return "\n".join([*parts, f"export default {{ render: {_variable(entry)}.render }};", ""])


def taken_apart(name: str, source: str) -> Module:
    """Split a module into what it takes, what it gives, and its body.

    Parameters
    ----------
    name : str
        File name.
    source : str
        Its text.

    Returns
    -------
    Module
        Its parts.

    Raises
    ------
    ConfigError
        When there is an import or export of another form.
    """
    imports: dict[str, tuple[str, ...]] = {}
    for names, origin in _IMPORT.findall(source):
        wanted = tuple(word.strip() for word in names.split(",") if word.strip())
        if origin in imports or not all(re.fullmatch(r"[A-Za-z_]\w*", word) for word in wanted):
            raise ConfigError(f"{name}: import plain names from {origin}, in one statement; got {{{names}}}")
        imports[origin] = wanted
    body = _EXPORT.sub("", _IMPORT.sub("", source))
    other = _OTHER.search(body)
    if other:
        raise ConfigError(
            f'{name}: only `import {{ a, b }} from "./x.js";` and `export function|const|class` at the beginning of '
            f"a line are allowed; got: {other.group().strip()}"
        )
    return Module(name, imports, tuple(_EXPORTED.findall(source)), body.strip())


def _check_imports(module: Module, modules: Mapping[str, Module]) -> None:
    for origin, names in module.imports.items():
        if origin not in modules:
            raise ConfigError(f"{module.name} imports from {origin}, which is not there")
        missing = sorted(set(names) - set(modules[origin].exports))
        if missing:
            raise ConfigError(f"{module.name} imports {', '.join(missing)}, which {origin} does not export")
        idle = [name for name in names if not re.search(rf"(?<![\w.]){name}\b", module.body)]
        if idle:
            raise ConfigError(f"{module.name} imports {', '.join(idle)} from {origin} and does not use it")


def _check_reached(modules: Mapping[str, Module], entry: str) -> None:
    reached: set[str] = set()
    ahead = [entry]
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            ahead += modules[name].imports
    lost = sorted(set(modules) - reached)
    if lost:
        raise ConfigError(f"nothing that {entry} imports leads to {', '.join(lost)}: import it or delete it")


def _ordered(modules: Mapping[str, Module]) -> tuple[str, ...]:
    graph = {name: sorted(modules[name].imports) for name in sorted(modules)}
    try:
        return tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise ConfigError(f"modules import one another in a circle: {' -> '.join(error.args[1])}") from None


def _variable(name: str) -> str:
    return "module_" + re.sub(r"\W", "_", name.removesuffix(".js"))


def _wrapped(module: Module) -> str:
    taken = "".join(
        f"const {{ {', '.join(names)} }} = {_variable(origin)};\n" for origin, names in module.imports.items()
    )
    given = ", ".join(module.exports)
    body = f"{taken}{module.body}\nreturn {{ {given} }};"
    return f"const {_variable(module.name)} = (() => {{ // {module.name}\n{body}\n}})();"

"""The page's modules joined into one script: what may be written, and what is refused with a clear sentence."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from workbench.domain.errors import ConfigError
from workbench.monitor.board import joining
from workbench.monitor.board.joining import joined, page_script, page_style

PAGE = Path(joining.__file__).parent / "page"
MAIN = 'import { two } from "./two.js";\nexport function render() {\n  return two();\n}\n'


def run(script: str, tmp_path: Path) -> str:
    """What the joined page's ``render`` returns; the script itself where nothing runs JavaScript."""
    node = shutil.which("node")
    if node is None:
        return script
    (tmp_path / "page.mjs").write_text(script, "utf-8")
    (tmp_path / "run.mjs").write_text('import page from "./page.mjs";\nconsole.log(page.render());\n', "utf-8")
    return subprocess.run([node, "run.mjs"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout.strip()


def test_modules_come_after_what_they_import():
    sources = {"main.js": MAIN, "two.js": 'import { one } from "./one.js";\nexport const two = () => one + one;\n'}
    script = joined(sources | {"one.js": "export const one = 1;\n"}, "main.js")
    places = [script.index(f"// {name}.js") for name in ("one", "two", "main")]
    assert places == sorted(places)
    assert script.endswith("export default { render: module_main.render };\n")
    assert not re.search(r"^\s*import\b", script, re.MULTILINE)


def test_names_of_two_modules_do_not_clash(tmp_path):
    body = "const shown = 40;\nexport function two() {\n  return `sum ${shown + one()}`;\n}\n"
    two = f'import {{ one }} from "./one.js";\n{body}'
    one = "const shown = 2;\nexport function one() {\n  return shown;\n}\n"
    script = joined({"main.js": MAIN, "two.js": two, "one.js": one}, "main.js")
    assert run(script, tmp_path) in {"sum 42", script}


def test_a_circle_of_modules_is_refused_and_named():
    two = 'import { render } from "./main.js";\nexport const two = () => render;\n'
    with pytest.raises(ConfigError, match=r"circle: .*main\.js.*two\.js|circle: .*two\.js.*main\.js"):
        joined({"main.js": MAIN, "two.js": two}, "main.js")


@pytest.mark.parametrize(
    ("two", "words"),
    [
        ("export const three = 3;\n", r"main\.js imports two, which two\.js does not export"),
        ("export default 2;\n", r"two\.js: only .* are allowed; got: export default 2;"),
        ("const two = 2;\nexport { two };\n", r"two\.js: only .* are allowed; got: export \{ two \}"),
        ('import all from "./one.js";\nexport const two = 2;\n', r"got: import all from"),
        ('import * as all from "./one.js";\nexport const two = 2;\n', r"got: import \* as all"),
        ('import { one as two } from "./one.js";\n', r"import plain names from one\.js"),
        ('export const two = () => import("https://example.org/x.js");\n', r"got: import\("),
        ('import { uplot } from "https://example.org/x.js";\nexport const two = 2;\n', r"got: import \{ uplot \}"),
        (
            'import { one } from "./one.js";\nexport const two = one;\n',
            r"two\.js imports from one\.js, which is not there",
        ),
    ],
)
def test_everything_else_is_refused(two, words):
    with pytest.raises(ConfigError, match=words):
        joined({"main.js": MAIN, "two.js": two}, "main.js")


def test_a_module_nobody_imports_and_a_name_nobody_uses_are_refused():
    sources = {"main.js": MAIN, "two.js": "export const two = () => 2;\n"}
    with pytest.raises(ConfigError, match=r"nothing that main\.js imports leads to lost\.js"):
        joined(sources | {"lost.js": "export const lost = 1;\n"}, "main.js")
    idle = MAIN.replace("{ two }", "{ two, three }")
    with pytest.raises(ConfigError, match=r"main\.js imports three from two\.js and does not use it"):
        joined({"main.js": idle, "two.js": sources["two.js"] + "export const three = 3;\n"}, "main.js")
    with pytest.raises(ConfigError, match=r"main\.js must be there and export a function render"):
        joined({"main.js": "export const x = 1;\n"}, "main.js")


def test_the_real_page_joins_with_its_charts_in_front():
    script = page_script()
    assert script.index("uPlot") < script.index("// main.js") < script.index("export default")
    assert "innerHTML" not in script[script.index("// format.js") :]
    assert not re.search(r"https?://(?!127\.0\.0\.1|github\.com/leeoniya)", script)
    node = shutil.which("node")
    if node is not None:
        subprocess.run([node, "--check", "--input-type=module", "-"], input=script, text=True, check=True)


def test_the_style_sheets_load_nothing():
    style = page_style()
    assert ".uplot" in style and ".risk-monitor" in style
    assert "url(" not in style and "@import" not in style
    assert sorted(path.name for path in PAGE.glob("*.css")) == sorted(joining.STYLES)


def test_modules_are_short():
    lines = {path.name: len(path.read_text("utf-8").splitlines()) for path in PAGE.iterdir()}
    assert {name: count for name, count in lines.items() if count > 250} == {}


def test_a_missing_chart_package_is_named(monkeypatch):
    with pytest.raises(ConfigError, match=r"has no file uPlot\.nowhere\.js"):
        joining.chart_file("uPlot.nowhere.js")

    monkeypatch.setattr(joining, "CHART_PACKAGE", "a-package-that-is-not-there")
    with pytest.raises(ConfigError, match="a-package-that-is-not-there, which is not installed"):
        page_script()

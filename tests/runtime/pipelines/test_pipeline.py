"""A declaration is read strictly: what is misspelt, missing or out of order is refused with its place."""

from pathlib import Path

import pytest

from workbench.domain.errors import ConfigError
from workbench.runtime.pipelines.pipeline import Pipeline, literal, load_pipeline

SHIPPED = Path(__file__).parents[3] / "pipelines" / "daily.toml"
HEAD = 'name = "small"\ntitle = "Small"\n'
NOTEBOOK = '[[steps]]\nname = "first"\ntitle = "First"\nnotebook = "a.ipynb"\nseconds = 10\n'
ACTION = '[[steps]]\nname = "second"\ntitle = "Second"\naction = "report"\nneeds = ["first"]\n'


def load(tmp_path: Path, text: str) -> Pipeline:
    path = tmp_path / "small.toml"
    path.write_text(text, encoding="utf-8")
    return load_pipeline(path)


@pytest.fixture
def small(tmp_path: Path) -> Pipeline:
    return load(tmp_path, HEAD + NOTEBOOK + "parameters = { start = 1, kept = true }\n" + ACTION)


def test_a_declaration_keeps_its_order(small):
    assert [step.name for step in small.steps] == ["first", "second"]
    assert small.steps[0].parameters == {"start": 1, "kept": True}
    assert small.steps[1].needs == ("first",)


def test_the_shipped_daily_run_is_valid():
    pipeline = load_pipeline(SHIPPED)
    assert pipeline.steps[-1].name == "report"
    assert all(step.seconds for step in pipeline.steps if step.notebook)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (HEAD, r"small\.toml is not valid at steps: Field required"),
        (HEAD + "steps = []\n", r"at steps: .*at least 1 item"),
        ('titel = "x"\n' + HEAD + NOTEBOOK, r"at titel: Extra inputs are not permitted"),
        (HEAD + NOTEBOOK + "retires = 2\n", r"at steps\.0\.retires: Extra inputs are not permitted"),
        (HEAD + NOTEBOOK + 'action = "report"\n', r"step 'first' must have either a notebook or an action"),
        (HEAD + '[[steps]]\nname = "first"\ntitle = "First"\n', r"must have either a notebook or an action"),
        (HEAD + NOTEBOOK.replace("seconds = 10\n", ""), r"a notebook needs a time limit in seconds"),
        (HEAD + NOTEBOOK + ACTION + "seconds = 5\n", r"'second': .* an action has none"),
        (HEAD + NOTEBOOK.replace("10", "0"), r"at steps\.0\.seconds: .*greater than 0"),
        (HEAD + NOTEBOOK + "retries = 6\n", r"at steps\.0\.retries: .*less than or equal to 5"),
        (HEAD + NOTEBOOK.replace('"first"', '"First step"'), r"at steps\.0\.name: .*pattern"),
        (HEAD + NOTEBOOK + NOTEBOOK, r"step 'first' is declared twice"),
        (HEAD + ACTION + NOTEBOOK, r"step 'second' needs 'first', which does not come before it"),
        (HEAD + NOTEBOOK + 'needs = ["fisrt"]\n', r"step 'first' needs 'fisrt', which does not come before it"),
        (HEAD + NOTEBOOK + 'needs = ["first"]\n', r"step 'first' needs 'first', which does not come before it"),
        ("name = small", r"is not valid TOML"),
        ("", r"at name: Field required"),
    ],
)
def test_a_faulty_declaration_is_refused_with_its_place(tmp_path, text, sentence):
    with pytest.raises(ConfigError, match=sentence):
        load(tmp_path, text)


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot read the pipeline .*nothing\.toml: No such file"):
        load_pipeline(tmp_path / "nothing.toml")
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00name")
    with pytest.raises(ConfigError, match=r"binary\.toml is not valid TOML"):
        load_pipeline(binary)


def test_set_replaces_one_parameter_and_leaves_the_declaration_alone(small):
    changed = small.with_overrides(["first.start=7", "first.added=x=y"])
    assert changed.steps[0].parameters == {"start": 7, "kept": True, "added": "x=y"}
    assert small.steps[0].parameters == {"start": 1, "kept": True}
    assert changed.steps[1] == small.steps[1]


def test_the_last_of_two_settings_counts(small):
    assert small.with_overrides(["first.start=7", "first.start=8"]).steps[0].parameters["start"] == 8


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("first.start", r"--set expects step\.parameter=value, got 'first\.start'"),
        ("start=1", r"--set expects step\.parameter=value, got 'start=1'"),
        ("first.=1", r"--set expects step\.parameter=value"),
        ("", r"--set expects step\.parameter=value, got ''"),
        ("fisrt.start=1", r"names the step 'fisrt'; notebook steps of 'small' are first"),
        ("second.start=1", r"names the step 'second'; notebook steps of 'small' are first"),
    ],
)
def test_a_faulty_setting_is_refused(small, override, sentence):
    with pytest.raises(ConfigError, match=sentence):
        small.with_overrides([override])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("16", 16),
        ("1e-3", 0.001),
        ("true", True),
        ('"16"', "16"),
        ("[1, 2]", [1, 2]),
        ("EURUSD", "EURUSD"),
        ("2005-01-03", "2005-01-03"),
        ("", ""),
        ("True", "True"),
    ],
)
def test_a_value_is_toml_or_else_text(text, value):
    found = literal(text)
    assert (found, type(found)) == (value, type(value))

"""Two people are two names that nobody would take for one another."""

import pytest

from workbench.domain.names import are_two

OTHERWISE = {
    "lower case": "ana", "upper case": "ANA", "spaces": " Ana ", "wide": "\uff21na", "em space": "Ana\u2003",
    "zero width": "Ana\u200b", "soft hyphen": "An\u00ada", "variation": "Ana\ufe0f", "joiner": "A\u034fna",
    "word joiner": "Ana\u2060", "cyrillic": "\u0410n\u0430", "greek": "\u0391na", "dot": "Ana.", "dash": "-Ana",
}  # fmt: skip


@pytest.mark.parametrize("other", OTHERWISE.values(), ids=OTHERWISE)
def test_a_name_written_otherwise_is_no_second_person(other):
    assert not are_two("Ana", other) and not are_two(other, "Ana")


def test_nobody_is_no_second_person():
    assert not are_two("Ana", "") and not are_two("", "Ana") and not are_two("Ana", " \u200b.")


@pytest.mark.parametrize("other", ["Bo", "Ana Li", "Anna", "An\u00e4", "Ana 2", "\u0410\u043d\u044f"])
def test_two_names_are_two_people(other):
    assert are_two("Ana", other)

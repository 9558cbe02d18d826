"""Two people are two names that nobody would take for one another."""

import pytest

from workbench.domain.names import are_two


@pytest.mark.parametrize(
    "other", ["ana", "ANA", " Ana ", "\uff21na", "Ana\u2003"], ids=["lower", "upper", "spaces", "wide", "em space"]
)
def test_a_name_written_otherwise_is_no_second_person(other):
    assert not are_two("Ana", other)


def test_nobody_is_no_second_person():
    assert not are_two("Ana", "") and not are_two("", "Ana") and not are_two("Ana", "  ")


def test_two_names_are_two_people():
    assert are_two("Ana", "Bo") and are_two("Ana Lee", "Ana Li")

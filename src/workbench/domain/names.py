"""Names of people: when two of them are one to whoever reads them."""

import unicodedata

LOOKALIKES = str.maketrans("аеорсхуіјѕкмтвнοανρτικυχ", "aeopcxyijskmtbhoavptikux")
"""Small letters of the Cyrillic and the Greek alphabet, and the Latin ones people take them for."""
SEEN = frozenset("LN")
"""First letters of the Unicode categories of what people tell names apart by: letters and digits."""


def same_to_the_eye(name: str) -> str:
    """What two names have in common that people would take for one another: letters and digits, in lower case.

    Parameters
    ----------
    name : str
        Any name.

    Returns
    -------
    str
        Only for comparison: without dots, dashes, accents that stand alone and invisible marks, letters that look like
        Latin ones replaced by those, words apart by one space.
    """
    plain = unicodedata.normalize("NFKC", name).casefold().translate(LOOKALIKES)
    kept = "".join(mark if unicodedata.category(mark)[0] in SEEN else " " * mark.isspace() for mark in plain)
    return " ".join(kept.split())


def are_two(one: str, other: str) -> bool:
    """Whether two names are those of two people, as far as names can tell.

    Parameters
    ----------
    one, other : str
        Any names.

    Returns
    -------
    bool
        False also when one of them is empty.
    """
    first, second = same_to_the_eye(one), same_to_the_eye(other)
    return bool(first) and bool(second) and first != second

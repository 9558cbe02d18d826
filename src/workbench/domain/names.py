"""Names of people: when two of them are one to whoever reads them."""

import unicodedata


def same_to_the_eye(name: str) -> str:
    """What two names have in common that people would take for one another: their letters in lower case.

    Parameters
    ----------
    name : str
        Any name.

    Returns
    -------
    str
        Only for comparison; spaces around it and repeated ones do not count.
    """
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


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

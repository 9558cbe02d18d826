"""What every answer of a page's server tells the browser not to do."""

from collections.abc import Sequence


def safe_headers(sources: Sequence[str]) -> dict[str, str]:
    """Headers of an answer: nothing is framed, guessed, told to others or shared with them.

    Parameters
    ----------
    sources : sequence of str
        Directives of the content security policy that name what the page may load; all else is forbidden.

    Returns
    -------
    dict of str to str
        By name.
    """
    forbidden = ("base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'")
    return {
        "Content-Security-Policy": "; ".join(("default-src 'none'", *sources, *forbidden)),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    }

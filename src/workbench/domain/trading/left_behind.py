"""What nobody looks after once a loop has ended, in the words of every page and of the loop itself."""


def left_behind(positions: int, orders: int) -> tuple[str, ...]:
    """What remains at the broker, a clause each.

    Parameters
    ----------
    positions : int
        That are open.
    orders : int
        That may still fill.

    Returns
    -------
    tuple of str
        Without full stops; empty when nothing remains.
    """
    said = list[str]()
    if positions:
        are = "1 POSITION REMAINS" if positions == 1 else f"{positions} POSITIONS REMAIN"
        them = "IT" if positions == 1 else "THEM"
        said.append(f"{are} AND NOTHING PROTECTS {them}: no stop, no limit and no halt works until a loop runs again")
    if orders:
        some, they = ("1 ORDER", "IT OPENS") if orders == 1 else (f"{orders} ORDERS", "THEY OPEN")
        said.append(f"{some} MAY STILL FILL AND NOTHING PROTECTS WHAT {they}")
    return tuple(said)

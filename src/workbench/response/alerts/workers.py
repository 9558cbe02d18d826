"""Hand-overs in threads of their own: one that hangs delays nobody else, and is given up after its time."""

import queue
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from workbench.response.alerts.channels import Channel
from workbench.response.alerts.messages import Letter
from workbench.response.alerts.outbox import Bundle, Receipt

AT_ONCE = 8
"""Hand-overs at the same time on one channel, hanging ones included."""


@dataclass(slots=True, eq=False)
class _Errand:
    bundle: Bundle
    deadline: float
    given_up: bool = False


class Workers:
    """Gives letters to channels and collects what they answer.

    All its methods are called by one thread. A thread that hangs cannot be ended: it is left alone, its answer still
    counts when it comes, and when a channel has eight of them it takes no more.

    Parameters
    ----------
    channels : mapping of str to Channel
        By name; it may change between two calls.
    timeout_seconds : float
        For one hand-over.
    """

    def __init__(self, channels: Mapping[str, Channel], timeout_seconds: float) -> None:
        self._channels = channels
        self._timeout = timeout_seconds
        self._answers = queue.SimpleQueue[tuple[_Errand, Receipt]]()
        self._errands = defaultdict[str, list[_Errand]](list)

    def taken(self, bundles: Iterable[Bundle]) -> list[Bundle]:
        """Of these, those to submit now; the others wait until their channel has answered for some.

        Parameters
        ----------
        bundles : iterable of Bundle
            In the order in which they go out.

        Returns
        -------
        list of Bundle
            As many for each channel as it takes at once. All of them when everything it has hangs, or when there is
            no such channel any more: `submit` refuses them, so that they take another channel.
        """
        given, found = Counter[str](), list[Bundle]()
        for bundle in bundles:
            errands = self._errands[bundle.channel]
            free = len(errands) + given[bundle.channel] < AT_ONCE
            if free or self._refusal(bundle.channel):
                given[bundle.channel] += 1
                found.append(bundle)
        return found

    def _refusal(self, channel: str) -> str:
        """Why a channel takes nothing, and will not soon."""
        if channel not in self._channels:
            return "the channel is not set up any more"
        errands = self._errands[channel]
        full = len(errands) >= AT_ONCE and all(one.given_up for one in errands)
        return f"{AT_ONCE} earlier messages hang: the channel takes no more" if full else ""

    def submit(self, bundle: Bundle, letter: Letter) -> None:
        """Give a letter to its channel; the answer is collected later.

        Parameters
        ----------
        bundle : Bundle
            What the answer belongs to.
        letter : Letter
            What to hand over.
        """
        errand = _Errand(bundle, time.monotonic() + self._timeout)
        if refusal := self._refusal(bundle.channel):
            self._answers.put((errand, Receipt(handed=False, answer=refusal)))
            return
        self._errands[bundle.channel].append(errand)
        name, channel = f"page by {bundle.channel}", self._channels[bundle.channel]
        threading.Thread(target=self._run, args=(errand, channel, letter), name=name, daemon=True).start()

    def _run(self, errand: _Errand, channel: Channel, letter: Letter) -> None:
        # how far it had got is not known
        receipt = Receipt(handed=False, answer="the channel broke down", doubtful=True)
        try:
            receipt = channel.hand_over(letter, self._timeout)
        except (OSError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError) as error:
            # the text of the error may hold a secret, its kind does not
            receipt = Receipt(handed=False, answer=f"the channel broke down: {type(error).__name__}", doubtful=True)
        finally:
            self._answers.put((errand, receipt))

    def collect(self) -> list[tuple[Bundle, Receipt]]:
        """Answers since the last time; a hand-over whose time is up is answered for, once.

        Returns
        -------
        list of (Bundle, Receipt)
        """
        found: list[tuple[Bundle, Receipt]] = []
        while not self._answers.empty():
            errand, receipt = self._answers.get()
            errands = self._errands[errand.bundle.channel]
            if errand in errands:
                errands.remove(errand)
            if receipt.handed or not errand.given_up:
                found.append((errand.bundle, receipt))
        late = [one for errands in self._errands.values() for one in errands if not one.given_up]
        for errand in late:
            if errand.deadline <= time.monotonic():
                errand.given_up = True
                receipt = Receipt(handed=False, answer=f"no answer within {self._timeout:g} s", doubtful=True)
                found.append((errand.bundle, receipt))
        return found

    def idle(self) -> bool:
        """Whether no answer is awaited, but from hand-overs that were given up."""
        return self._answers.empty() and all(one.given_up for errands in self._errands.values() for one in errands)

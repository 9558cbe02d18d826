"""People and stress sections of the policy: roles, alert levels, procedures, scenarios.

The shape of each table is here, every number is in ``default_policy.toml``.
"""

from datetime import date
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from workbench.domain.currencies import PAIRS
from workbench.domain.policy.fields import (
    Change,
    Count,
    NonNegative,
    Positive,
    Section,
    Share,
    Text,
    TimeOfDay,
    hold_order,
    refuse,
)

Act = Literal[
    "look", "acknowledge", "halt", "reduce", "tighten_limit", "full_halt", "close_all", "cancel_all",
    "shut_down", "notify_regulator",
]  # fmt: skip
LooseningAct = Literal["resume", "loosen_limit", "override_block", "go_live"]
Channel = Literal["monitor", "chat", "log", "email", "sms_on_call", "sms_all", "call_on_call", "repeated_calls"]
Escalation = Literal["next_person", "next_level", "through_every_level"]
Role = Literal["L0", "L1", "L2", "L3"]
ROLES: tuple[Role, ...] = ("L0", "L1", "L2", "L3")


class Viewer(Section):
    """May look and acknowledge receipt; nobody waits for an answer."""

    title: Text
    may: tuple[Act, ...] = Field(min_length=1)


class Responder(Viewer):
    """Must answer in time; may do alone what is listed here and at the levels below."""

    answers_within_minutes: Positive


class OnCall(Responder):
    """First responder: may reduce up to a share of the exposure, summed over one incident."""

    reduces_up_to: Share
    escalates_within_minutes: Positive
    reminded_minutes_before: Positive

    @model_validator(mode="after")
    def _reminded_after_it_began(self) -> Self:
        if self.reminded_minutes_before >= self.escalates_within_minutes:
            until = f"less than {self.escalates_within_minutes:g} (escalates_within_minutes)"
            refuse("reminded_minutes_before", until, self.reminded_minutes_before)
        return self


class Roles(Section):
    """Four levels of authority."""

    L0: Viewer
    L1: OnCall
    L2: Responder
    L3: Responder

    @model_validator(mode="after")
    def _seniors_answer_later(self) -> Self:
        keys = [f"{role}.answers_within_minutes" for role in ROLES[1:]]
        hold_order(keys, [getattr(self, role).answers_within_minutes for role in ROLES[1:]], "rising")
        return self


class TwoPeople(Section):
    """Acts that make things looser: a proposer and a different approver, close together in time."""

    acts: tuple[LooseningAct, ...] = Field(min_length=1)
    proposer_from: Role
    approver_from: Role
    apart_minutes: Positive


class Acts(Section):
    """What an act means beside others: which came at once, which are sent late, and how long they are one incident."""

    at_once_seconds: Annotated[float, Field(strict=True, gt=0.0, le=1.0, allow_inf_nan=False)]
    send_again_minutes: Positive
    manual_incident_hours: Positive


class Sessions(Section):
    """Who is logged in, for how long, and how often one may guess.

    Attempts are counted within `attempt_minutes` by name and address, by address, and by name; a name alone has more
    than one from one address, so that a stranger cannot lock out whom he can name.
    """

    idle_minutes: Positive
    absolute_hours: Positive
    fresh_code_seconds: Positive
    wrong_codes: Count
    per_person: Count
    attempt_minutes: Positive
    attempts_per_name_and_address: Count
    attempts_per_address: Count
    attempts_per_name: Count
    dormant_days: Count

    @model_validator(mode="after")
    def _one_within_the_other(self) -> Self:
        keys = ["fresh_code_seconds", "idle_minutes", "absolute_hours"]
        seconds = [self.fresh_code_seconds, self.idle_minutes * 60.0, self.absolute_hours * 3600.0]
        hold_order(keys, seconds, "rising")
        keys = ["attempts_per_name_and_address", "attempts_per_address", "attempts_per_name"]
        hold_order(keys, [getattr(self, key) for key in keys], "not falling")
        return self


class Information(Section):
    """An alert that asks nobody for anything."""

    title: Text
    channels: tuple[Channel, ...] = Field(min_length=1)


class Alert(Information):
    """An alert that must be acknowledged, and where it goes if it is not."""

    acknowledge_within_minutes: Positive
    then: Escalation


class AlertLevels(Section):
    """From information to emergency: each level uses at least the channels of the one below."""

    level_1: Information
    level_2: Alert
    level_3: Alert
    level_4: Alert

    @model_validator(mode="after")
    def _louder_and_sooner(self) -> Self:
        names = list(type(self).model_fields)
        for below, above in pairwise(names):
            missing = set(getattr(self, below).channels) - set(getattr(self, above).channels)
            if missing:
                refuse(
                    f"{above}.channels",
                    f"also {', '.join(sorted(missing))} as in {below}",
                    getattr(self, above).channels,
                )
        keys = [f"{name}.acknowledge_within_minutes" for name in names[1:]]
        values = [getattr(self, name).acknowledge_within_minutes for name in names[1:]]
        hold_order(keys, values, "not rising")
        return self


class Paging(Section):
    """How pages reach people: quiet hours, digests, repeated calls, retries, and what happens when no channel works.

    Times of day are UTC; equal ones mean that there are no quiet hours. They never hold back an emergency.
    """

    quiet_from: TimeOfDay
    quiet_until: TimeOfDay
    quiet_up_to_level: Annotated[int, Field(strict=True, ge=1, le=3)]
    digest_minutes: Positive
    repeated_call_minutes: Positive
    hand_over_seconds: Positive
    attempts: Count
    retry_seconds: Positive
    gap_seconds: Positive
    no_channel_act: Literal["tell", "halt"]
    no_channel_minutes: NonNegative
    loop_silent_seconds: Positive
    service_silent_seconds: Positive


PagedLevel = Annotated[int, Field(strict=True, ge=2, le=3)]
"""Levels of alerts that somebody must acknowledge, below the one that nothing holds back."""


class Drills(Section):
    """How often channels are tried, how early people are told, and how loud the page of a drill is.

    Days of controls and responders are in ``success.operational``. Level 4 is no drill: it knows no quiet hours.
    """

    channel_days: Count
    warn_days: Count
    page_level: PagedLevel
    highest_level: PagedLevel

    @model_validator(mode="after")
    def _told_in_time(self) -> Self:
        if self.warn_days >= self.channel_days:
            refuse("warn_days", f"less than {self.channel_days} (channel_days)", self.warn_days)
        hold_order(["page_level", "highest_level"], [self.page_level, self.highest_level], "not falling")
        return self


class Procedure(Section):
    """A checklist and the time by which all of it is done, counted from the alert."""

    within_minutes: Positive
    steps: tuple[Text, ...] = Field(min_length=1)


class Procedures(Section):
    """What people do in the first minutes and hours."""

    first_response: Procedure
    stabilise: Procedure
    recover: Procedure

    @model_validator(mode="after")
    def _one_after_the_other(self) -> Self:
        names = list(type(self).model_fields)
        keys = [f"{name}.within_minutes" for name in names]
        hold_order(keys, [getattr(self, name).within_minutes for name in names], "rising")
        return self


class People(Section):
    """Level 3: who may do what, how they are reached, and what they do first."""

    roles: Roles
    two_people: TwoPeople
    acts: Acts
    sessions: Sessions
    alerts: AlertLevels
    paging: Paging
    drills: Drills
    procedures: Procedures


class HistoricalScenario(Section):
    """A stretch of recorded rates, both days included."""

    name: Text
    start: date
    end: date

    @model_validator(mode="after")
    def _ends_after_start(self) -> Self:
        if self.end < self.start:
            refuse("end", f"a day not before {self.start} (start)", self.end.isoformat())
        return self


class PairMove(HistoricalScenario):
    """A published or intraday move of one pair that the recorded rates do not show."""

    pair: Literal[PAIRS]  # type: ignore[valid-type]
    move: Change


class SyntheticShocks(Section):
    """Shocks nobody has recorded, sized to hurt the book that is held."""

    leg_move_against: Share
    correlation_to: Share
    volatility_times: Positive
    spreads_times: Positive
    feed_outage_minutes: Positive

    @model_validator(mode="after")
    def _worse_than_today(self) -> Self:
        for key in ("volatility_times", "spreads_times"):
            if getattr(self, key) <= 1.0:
                refuse(key, "more than 1", getattr(self, key))
        if self.correlation_to >= 1.0:
            refuse("correlation_to", "less than 1", self.correlation_to)
        return self


class ReverseStress(Section):
    """How bad it must get before the account loses this much in spite of the controls."""

    loss: Share


class ResilienceWeights(Section):
    """Weights and scales of the resilience score; the weights add up to 1.

    A scale is where its part is nothing: the degradation itself, and what amplification is above 1.
    """

    survival: Share
    degradation: Share
    amplification: Share
    recovery: Share
    degradation_scale: Positive
    amplification_scale: Positive

    @model_validator(mode="after")
    def _add_up(self) -> Self:
        total = self.survival + self.degradation + self.amplification + self.recovery
        if abs(total - 1.0) > 1e-9:
            refuse("survival", "weights that add up to 1", total)
        return self


class StressScenarios(Section):
    """Crises the controls are tried on."""

    historical: tuple[HistoricalScenario, ...] = Field(min_length=1)
    published_moves: tuple[PairMove, ...] = Field(min_length=1)
    gap_paths: tuple[PairMove, ...] = Field(min_length=1)
    synthetic: SyntheticShocks
    reverse: ReverseStress
    resilience: ResilienceWeights

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        seen: set[str] = set()
        for key in ("historical", "published_moves", "gap_paths"):
            for place, scenario in enumerate(getattr(self, key)):
                if scenario.name in seen:
                    refuse(f"{key}[{place}].name", "a name of its own", scenario.name)
                seen.add(scenario.name)
        return self

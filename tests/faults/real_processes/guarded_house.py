"""A home full of canaries: every configuration holds a secret of its own, and each of them is known."""

import re
import secrets
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from workbench.response.people.credentials import Credentials, Secret
from workbench.response.people.proofs import Passwords
from workbench.response.people.roster import Roster

from .canaries import Cage
from .control_room import ControlRoom
from .processes import Running
from .sinks import Sinks

NAME = "Ada"
CHANNEL_FILE, POLICY_FILE = "/control/channels.toml", "/policy.toml"
ROSTER_FILES = "/control/roster.toml", "/control/roster.last-good.toml"
SECRETS_FILES = "/control/secrets.toml", "/control/secrets.last-good.toml"
OTHER_PROGRAMS = ("SMTP_PASSWORD", "TWILIO_AUTH_TOKEN", "JUPYTER_TOKEN", "OANDA_API_KEY", "AWS_SECRET_ACCESS_KEY")
"""Variables that people have set, for other programs or for this one."""


@dataclass
class House:
    """The home and its canaries.

    Attributes
    ----------
    room : ControlRoom
        With people in it.
    sinks : Sinks
        Where pages arrive, or hang.
    cage : Cage
        All canaries.
    password, wrong_password : str
        Of the one person who logs in.
    environment : dict
        For every process.
    """

    room: ControlRoom
    sinks: Sinks
    cage: Cage = field(default_factory=Cage)
    password: str = ""
    wrong_password: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    def fill(self) -> None:
        """Plant a canary everywhere."""
        self._people()
        self._channels()
        self._policy()
        self.environment = {name: self.cage.plant(f"variable {name}") for name in OTHER_PROGRAMS}
        self.wrong_password = self.cage.plant("a password typed wrong")

    def _people(self) -> None:
        folder = self.room.people
        self.password = self.cage.plant("password")
        hashed, totp = Passwords(PasswordHasher(1, 8, 1)).hashed(self.password), self.room.keys.secrets[NAME]
        kept = Credentials.read(folder).by_name
        Credentials({**kept, NAME: Secret(hashed, totp)}).write(folder)
        self.cage.keep("hash of the password", hashed.rpartition("$")[2].encode(), *SECRETS_FILES)
        self.cage.keep("secret of the authenticator", totp.encode(), *SECRETS_FILES)
        address = "vogel7Q2w9ZxLp.privat@example.org"
        # who may see contacts sees it: the page for somebody who is logged in, and the list in a shell
        self.cage.keep("e-mail address", address.encode(), *ROSTER_FILES, "/GET api contacts", "/people list")
        roster = Roster.read(folder)
        person = roster.people[NAME]
        roster.with_person(replace(person, contacts={**person.contacts, "email": address})).write(folder)

    def _channels(self) -> None:
        """Channels that work, hang, or are not there; each URL has a user, a password and more."""

        def secret(what: str) -> str:
            return quote(self.cage.plant(f"{what} of a channel", CHANNEL_FILE), safe="")

        def who(channel: str) -> str:
            return f"{secret(f'user of {channel}')}:{secret(f'password of {channel}')}@127.0.0.1"

        web, deaf = self.sinks.http, self.sinks.hanging
        self.room.channels(
            f"# {secret('comment')}\n"
            f'[chat]\nurls = ["json://{who("chat")}:{web}/chat?+X-Token={secret("header")}"]\n'
            f'[email]\nurls = ["mailto://{who("mail")}:{deaf}/?from=a@example.org&to={{to}}&mode=insecure", '
            f'"json://{who("web")}:9/{secret("path")}?-to={{to}}"]\n'
            f'[sms]\nurls = ["json://{who("text")}:{web}/sms/{{to}}"]\n'
            f'[call]\nurls = ["json://{who("call")}:{deaf}/?-to={{to}}&-key={secret("query")}"]\n'
        )

    def _policy(self) -> None:
        comment = self.cage.plant("comment in the policy", POLICY_FILE)
        text = re.sub(r"(?m)^(gap_seconds = .*)$", rf"\1 # {comment}", self.room.policy.read_text())
        self.room.policy.write_text(f"# {comment}\n{text}")

    def page(self) -> Running:
        """Start the risk monitor's page; its address, printed for the person who started it, has the token in it."""
        token = self.room.home / "token"
        text = f"vogel{secrets.token_urlsafe(30)}"
        token.write_text(text)
        token.chmod(0o600)
        self.cage.keep("token of the monitor", text.encode(), "/token", "/the page")
        command = ["monitor", "--no-browser", "--port", "0", "--token-file", str(token), "--folder"]
        surroundings = {**self.environment, "WORKBENCH_HOME": str(self.room.home)}
        return self.room.nursery.start(
            self.room.live, command=[*command, str(self.room.live)], environment=surroundings
        )

    def keep_keys(self) -> None:
        """The keys of the journals, which were made meanwhile."""
        for folder in (self.room.live, self.room.people):
            key = load_pem_private_key((folder / "keys" / "journal.pem").read_bytes(), None)
            assert isinstance(key, Ed25519PrivateKey)
            where = f"/{folder.name}/keys/journal.pem"
            self.cage.keep(f"key of the journal in {folder.name}", key.private_bytes_raw(), where)

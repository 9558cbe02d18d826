"""People, channels and a loop's folder, with the control service and the watchdog as processes of their own."""

import importlib.util
import ipaddress
import json
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from workbench.data.journal.codec import decode_table
from workbench.data.journal.reader import JournalReader
from workbench.data.journal.rows import RowKind
from workbench.data.journal.storage import DATABASE
from workbench.domain.errors import DataError
from workbench.response.people.roster import Roster

from .processes import SHIPPED, Nursery, Running, wait_for
from .sinks import Sinks

IMPORTS = ["workbench.app.control.service", "workbench.app.control.watching", "apprise.plugins"]
"""What a control service needs at its start; imported before forking, so that a start takes a moment."""
LOUD = {"people.paging": {"quiet_from": '"00:00"', "quiet_until": '"00:00"', "gap_seconds": "0.1"}}
"""Changes of the shipped policy: tests run at every hour, and wait for nobody."""
Changes = Mapping[str, Mapping[str, str]]
"""Values by section and key, as TOML."""


def module(path: Path) -> ModuleType:
    """A file of another folder of tests."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


STAGE = module(Path(__file__).parents[2] / "monitor" / "control" / "stage.py")


def policy_file(path: Path, changes: Changes) -> Path:
    """The shipped policy with some values changed; each of them must be in it."""
    text = SHIPPED.read_text()
    for section, values in changes.items():
        before, header, rest = text.partition(f"\n[{section}]")
        body, bracket, after = rest.partition("\n[")
        for key, value in values.items():
            body, count = re.subn(rf"(?m)^{key} = \S+", f"{key} = {value}", body)
            assert count == 1, f"{section}.{key}"
        text = f"{before}{header}{body}{bracket}{after}"
    path.write_text(text)
    return path


@dataclass
class ControlRoom:
    """A home folder with people in it, and what is started there."""

    nursery: Nursery
    home: Path
    policy: Path
    keys: Any

    @property
    def live(self) -> Path:
        """Folder of the loop."""
        return self.home / "live"

    @property
    def people(self) -> Path:
        """Folder of the people."""
        return self.home / "control"

    def channels(self, text: str) -> None:
        """Write the file of channels."""
        path = self.people / "channels.toml"
        path.write_text(text)
        path.chmod(0o600)

    def control(self, *options: str, **task: Any) -> Running:
        """Start the control service."""
        return self.start("control", *options, "--port", "0", **task)

    def start(self, command: str, *options: str, **task: Any) -> Running:
        """Start one of the commands that know the folder of the people."""
        folders = ["--folder", str(self.live), "--control", str(self.people), "--policy", str(self.policy)]
        return self.nursery.start(self.home, command=[command, *folders, *options], **task)

    def shown(self) -> dict[str, Any]:
        """Incidents and pages as the dispatcher last showed them; empty while there are none."""
        if not (self.people / DATABASE).exists():
            return {}
        try:
            with JournalReader(self.people) as reader:
                table: dict[str, Any] = json.loads(reader.shown("incidents") or "{}")
        except DataError:
            return {}
        return table

    def notes(self) -> list[dict[str, Any]]:
        """Everything in the journal of people."""
        with JournalReader(self.people) as reader:
            return [decode_table(row.body) for row in reader.rows(kinds=(RowKind.COMMAND, RowKind.NOTE))]

    @staticmethod
    def trusting(certificate: Path | None) -> ssl.SSLContext:
        """A browser that trusts a certificate of this test."""
        return ssl.create_default_context(cafile=certificate)

    @contextmanager
    def logged_in(self, address: str, name: str, trusted: Path | None = None) -> Iterator[httpx.Client]:
        """Somebody at the page."""
        headers, tls = {"Origin": address}, self.trusting(trusted)
        with httpx.Client(base_url=address, headers=headers, timeout=15, verify=tls, trust_env=False) as client:
            body = {"name": name, "password": STAGE.WORDS, "code": self.keys.code(name)}
            answer = client.post("/api/login", json=body)
            assert answer.status_code == 200, answer.text
            yield client


def opened_room(nursery: Nursery, home: Path, changes: Changes = LOUD) -> ControlRoom:
    """Write people and a policy into a new home."""
    nursery.ask({"imports": IMPORTS})
    keys = STAGE.Keys(STAGE.Clock())
    home.mkdir(parents=True, exist_ok=True)
    STAGE.people(home / "control", keys)
    reachable(home / "control")
    return ControlRoom(nursery, home, policy_file(home / "policy.toml", changes), keys)


def reachable(folder: Path) -> None:
    """Give everybody addresses of their own."""
    roster = Roster.read(folder)
    for place, person in enumerate(roster.people.values()):
        number = f"+1555{place:07d}"
        contacts = {"email": f"{person.name.lower()}@example.org", "sms": number, "call": number}
        roster = roster.with_person(replace(person, contacts=contacts))
    roster.write(folder)


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for this machine and its key, in files of their own."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(hours=1))
    builder = builder.not_valid_after(now + timedelta(days=1)).add_extension(names, critical=False)
    certificate, secret = folder / "cert.pem", folder / "key.pem"
    certificate.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    secret.chmod(0o600)
    return certificate, secret


def sink_channels(sinks: Sinks, *hanging: str) -> str:
    """A file of channels in which every one arrives here; those named hang."""
    urls = {
        "chat": f"json://127.0.0.1:{sinks.http}/chat",
        "email": f"mailto://127.0.0.1:{sinks.smtp}/?from=box@example.org&to={{to}}&mode=insecure",
        "sms": f"json://127.0.0.1:{sinks.http}/sms/{{to}}",
        "call": f"json://127.0.0.1:{sinks.http}/call/{{to}}",
    }
    for name in hanging:
        urls[name] = re.sub(r"127\.0\.0\.1:\d+", f"127.0.0.1:{sinks.hanging}", urls[name])
    return "".join(f'[{name}]\nurls = ["{url}"]\n' for name, url in urls.items())


def address_of(running: Running) -> str:
    """Where a control service says that it is."""

    def told() -> str:
        assert not running.ended(), f"ended with {running.code}: {running.err.read_text()}"
        found = re.search(r"the control service is at (\S+?)/?\n", running.out.read_text())
        return found[1] if found else ""

    return str(wait_for(told, "a control service"))

"""The control service as a process: what it speaks, how it ends, and a halt when it is dead."""

import os
import secrets
import signal
import socket
import ssl
import time
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from real_processes.control_room import ControlRoom, address_of, self_signed

EVERYWHERE = ".".join("0000")


def halt() -> dict[str, str]:
    return {"nonce": secrets.token_hex(16), "act": "halt"}


def test_with_a_certificate_it_speaks_tls_and_nothing_else(room: ControlRoom, tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    service = room.control("--certificate", str(certificate), "--key", str(key))
    address = address_of(service)
    assert address.startswith("https://127.0.0.1:")
    with room.logged_in(address, "Ada", certificate) as ada:
        (cookie,) = ada.cookies.jar
        assert cookie.name == "__Host-workbench_session" and cookie.secure
        assert not cookie.domain_specified and cookie.path == "/" and cookie.has_nonstandard_attr("HttpOnly")
        answer = ada.get("/api/status")
        assert answer.status_code == 200 and "max-age" in answer.headers["strict-transport-security"]
        assert ada.post("/api/act", json=halt()).json()["stage"] == "waiting"
        plain = {"Origin": address.replace("https", "http")}
        assert ada.post("/api/act", json=halt(), headers=plain).status_code == 403
    with pytest.raises(httpx.HTTPError):
        httpx.get(address.replace("https", "http"), timeout=5)
    with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
        httpx.get(address, timeout=5, verify=ssl.create_default_context())
    port = int(address.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as wire:
        wire.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert b"HTTP/1.1 200" not in wire.recv(1_000)
    assert service.stop() == 0 and service.err.read_text() == ""


@pytest.mark.parametrize("options", [(), ("--name", "risk.example.org")])
def test_off_this_machine_it_does_not_start_without_a_certificate(room: ControlRoom, options: tuple[str, ...]) -> None:
    sentence = room.control("--host", EVERYWHERE, *options).sentence()
    assert "only TLS" in sentence and "--certificate" in sentence


@pytest.mark.parametrize("broken", ["no key", "another key", "an encrypted key"])
def test_a_certificate_without_its_key_is_refused_in_one_sentence_at_once(
    room: ControlRoom, tmp_path: Path, broken: str
) -> None:
    certificate, key = self_signed(tmp_path)
    if broken == "no key":
        key.write_text("-----BEGIN PRIVATE KEY-----\nxxxx\n-----END PRIVATE KEY-----\n")
    else:
        other = ec.generate_private_key(ec.SECP256R1())
        wrapped = serialization.BestAvailableEncryption(b"a passphrase")
        how = wrapped if broken == "an encrypted key" else serialization.NoEncryption()
        form = serialization.PrivateFormat.PKCS8
        key.write_bytes(other.private_bytes(serialization.Encoding.PEM, form, how))
    service = room.control("--certificate", str(certificate), "--key", str(key))
    assert "no TLS certificate with its key" in service.sentence()
    assert "the control service is at" not in service.out.read_text()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_end_it_ends_in_good_order_with_streams_open(room: ControlRoom, how: signal.Signals) -> None:
    service = room.control()
    address = address_of(service)
    with room.logged_in(address, "Ada") as ada, ada.stream("GET", "/api/events") as stream:
        lines = stream.iter_lines()
        next(lines)
        began = time.monotonic()
        service.signal(how)
        assert service.wait() == 0 and service.err.read_text() == ""
        assert time.monotonic() - began < 5
    again = room.control()
    assert httpx.get(address_of(again), timeout=5).status_code == 200
    assert again.stop() == 0


def test_with_the_control_service_killed_a_shell_still_halts(room: ControlRoom, live, command) -> None:
    loop = live("--speed", "1", folder=room.live)
    loop.wait_until(lambda shown: shown["loop"]["priced"], "first prices")
    service = room.control()
    with room.logged_in(address_of(service), "Ada") as ada:
        assert ada.get("/api/status").json()["book"]["mode"] == "ACTIVE"
        os.kill(service.pid, signal.SIGKILL)
        assert service.wait() == -signal.SIGKILL
        with pytest.raises(httpx.HTTPError):
            ada.post("/api/act", json=halt())
    began = time.monotonic()
    halts = command("halt", "--as", "ana", folder=room.live)
    loop.wait_until(lambda shown: shown["book"]["mode"] == "HALTED", "a halted book")
    assert time.monotonic() - began < 2.0
    assert halts.wait() == 0 and halts.out.read_text() == "halt: done: the book is HALTED\n"
    assert loop.stop() == 0

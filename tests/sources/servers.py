"""Servers on the loopback that misbehave as told, and the certificates that some of them show."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Speak = Callable[[socket.socket], None]
PATIENCE_S = 5.0  # how long a server waits for a client that should have gone


class Server:
    """Accepts one connection after the other; ``requests`` are the heads that came, ``served`` counts connections.

    With ``listens=False`` it speaks at once, whatever it is sent.
    """

    def __init__(self, speak: Speak, tls: ssl.SSLContext | None = None, *, listens: bool = True) -> None:
        self._speak, self._tls, self._listens = speak, tls, listens
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.requests: list[bytes] = []
        self.served = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "Server":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()

    def at(self, host: str = "127.0.0.1") -> str:
        """Return ``host:port``, as an allow list names it."""
        return f"{host}:{self.port}"

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.served += 1
            connection.settimeout(PATIENCE_S)
            with contextlib.suppress(OSError), contextlib.ExitStack() as opened:
                opened.enter_context(connection)
                if self._tls:
                    connection = opened.enter_context(self._tls.wrap_socket(connection, server_side=True))
                if self._listens:
                    self.requests.append(read_head(connection))
                self._speak(connection)


def read_head(connection: socket.socket) -> bytes:
    """Return a request up to its empty line."""
    head = b""
    while not head.endswith(b"\r\n\r\n") and (more := connection.recv(4096)):
        head += more
    return head


def says(*parts: bytes) -> Speak:
    """Answer with these bytes and close."""

    def speak(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)

    return speak


def answer(body: bytes = b"", status: str = "200 OK", **headers: object) -> bytes:
    """Return an answer; underscores in names of headers stand for hyphens, Content-Length is right unless given."""
    fields = {"Content_Length": len(body)} | headers
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items() if value is not None)
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body


def drips(first: bytes, pieces: Iterable[bytes], pause_s: float = 0.05) -> Speak:
    """Say something, then piece by piece something small, for as long as anybody listens."""

    def speak(connection: socket.socket) -> None:
        connection.sendall(first)
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(pause_s)

    return speak


def stays_silent(connection: socket.socket) -> None:
    """Wait until the client goes."""
    connection.recv(1)


def resets(connection: socket.socket) -> None:
    """Send the beginning of an answer, then break the connection."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegin")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")


class Authority:
    """A certificate authority of one test; ``issue`` with ``is_trusted=False`` makes a self-signed certificate."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority for tests")])
        self.path = folder / "authority.pem"
        self.path.write_bytes(_pem(self._certificate(self._name, self._key, is_authority=True)))

    def issue(self, name: str, *, is_trusted: bool = True, ends_in_days: int = 1) -> ssl.SSLContext:
        """Return what a server of this name needs."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signer = (self._name, self._key) if is_trusted else (subject, key)
        certificate = self._certificate(subject, key, signer=signer, name=name, ends_in_days=ends_in_days)
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path = self._folder / f"{name}.pem"
        path.write_bytes(_pem(certificate) + secret)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _certificate(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        *,
        signer: tuple[x509.Name, ec.EllipticCurvePrivateKey] | None = None,
        name: str = "",
        ends_in_days: int = 1,
        is_authority: bool = False,
    ) -> x509.Certificate:
        issuer, issuer_key = signer or (subject, key)
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=9))
            .not_valid_after(now + timedelta(days=ends_in_days))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        if name:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        return builder.sign(issuer_key, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def forever(piece: bytes) -> Iterator[bytes]:
    """Yield the same again and again."""
    while True:
        yield piece

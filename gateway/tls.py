"""TLS 1.3 for the FIX port, by the standard library: its context, and whose certificate it saw.

Source: specs/order_entry.md O-103, O-104; RFC 8446.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

from specs.loading import SpecError
from specs.venue import TlsConfig


def server_context(tls: TlsConfig, file: Path) -> ssl.SSLContext:
    """The context of the listener; raises SpecError, which names `file` and the value in it.

    tls: its paths as load_venue gives them.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    load_certificate(context, tls, file)
    if tls.client_ca:
        try:
            context.load_verify_locations(tls.client_ca)
        except OSError as error:
            raise _unusable(file, "client_ca", tls.client_ca, error) from error
        context.verify_mode = ssl.CERT_OPTIONAL  # a member's table says whether it must have one
    return context


def load_certificate(context: ssl.SSLContext, tls: TlsConfig, file: Path) -> None:
    """Certificate and key, also new ones into a context in use; raises SpecError."""
    try:
        context.load_cert_chain(tls.certificate, tls.key, password="")
    except OSError as error:  # ssl.SSLError is one
        raise _unusable(file, "certificate", f"{tls.certificate}, {tls.key}", error) from error


def _unusable(file: Path, name: str, value: str, error: OSError) -> SpecError:
    return SpecError(file, f"$.fix.tls.{name}", f"{value}: cannot be used: {error}", "PEM files")


def names_of(certificate: dict[str, Any] | None) -> frozenset[str]:
    """Common name and DNS names of a verified certificate, as ssl's getpeercert() gives it."""
    if not certificate:
        return frozenset()
    found = {value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS"}
    for parts in certificate.get("subject", ()):
        found |= {value for kind, value in parts if kind == "commonName"}
    return frozenset(found)

"""The sections [mqtt] and [console] of venue.toml: who is told of the market besides the lines.

Source: specs/venue.toml, whose comments explain each value; specs/market_data.md (F-90 to F-95).
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from specs.addresses import parse_ip

EMBEDDED = "embedded"
EMBEDDED_HOST = "127.0.0.1"

Port = Annotated[int, Meta(ge=1, le=65_535)]
Milliseconds = Annotated[int, Meta(ge=10, le=60_000)]
Seconds = Annotated[int, Meta(ge=1, le=3_600)]
Nice = Annotated[int, Meta(ge=0, le=19)]


class MqttConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The MQTT publisher."""

    broker: str = ""
    embedded_port: Port = 1883
    encodings: Annotated[
        tuple[Literal["msgpack", "json"], ...], Meta(min_length=1, max_length=2)
    ] = ("msgpack",)
    qos: Annotated[int, Meta(ge=0, le=1)] = 1
    interval_ms: Milliseconds = 250
    trades_batch_max: Annotated[int, Meta(ge=1, le=1_000)] = 200
    in_flight_max: Annotated[int, Meta(ge=1, le=1_000)] = 32
    timeout_seconds: Seconds = 10
    keep_alive_seconds: Seconds = 30
    retry_seconds_max: Seconds = 30
    user: str = ""
    password_file: str = ""
    tls: bool = False
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    nice: Nice = 19

    def __post_init__(self) -> None:
        """The broker is an address; encodings stand once; what needs TLS has it."""
        if self.broker not in ("", EMBEDDED):
            parse_broker(self.broker)
        if len(set(self.encodings)) < len(self.encodings):
            raise ValueError("encodings stand twice; allowed: 'msgpack', 'json' or both")
        if self.password_file and not self.user:
            raise ValueError("password_file without user; allowed: both or neither")
        if bool(self.certificate_file) != bool(self.key_file):
            raise ValueError("certificate_file, key_file; allowed: both or neither")
        if not self.tls and (self.ca_file or self.certificate_file):
            raise ValueError("ca_file, certificate_file; allowed: with tls = true")

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the broker; there is one."""
        if self.broker == EMBEDDED:
            return EMBEDDED_HOST, self.embedded_port
        return parse_broker(self.broker)


class ConsoleConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The console: WebSocket, REST and the market page on one port."""

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 0
    clients_max: Annotated[int, Meta(ge=1, le=10_000)] = 256
    client_bytes_per_second: Annotated[int, Meta(ge=10_000, le=1_000_000_000)] = 1_000_000
    frame_bytes_max: Annotated[int, Meta(ge=65_536, le=16_777_216)] = 262_144
    send_timeout_seconds: Seconds = 10
    backfill_messages: Annotated[int, Meta(ge=0, le=10_000_000)] = 2_000_000
    nice: Nice = 19

    def __post_init__(self) -> None:
        """The address is one."""
        parse_ip("host", self.host)


def parse_broker(text: str) -> tuple[str, int]:
    """HOST:PORT; ValueError if it is none."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 1 <= int(port) <= 65_535:
        raise ValueError(f"broker {text!r}; allowed: HOST:PORT, 'embedded' or ''")
    return host.strip("[]"), int(port)

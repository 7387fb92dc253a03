"""Addresses, members and their limits: typed, validated reading of venue.toml.

Knows nothing of sockets, sessions or engine rows. Times are seconds, sizes bytes, money whole
currency units, positions lots, as the names say.
Source: specs/venue.toml, whose comments explain each value.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import time
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta, Struct

from specs.addresses import (
    check_interface,
    check_multicast_group,
    check_unicast,
    is_address,
    is_loopback,
    parse_ip,
)
from specs.calendar import Calendar, VenueDay, parse_zone
from specs.credentials import is_password_hash, parse_networks, public_key_bytes
from specs.loading import SpecError, load_toml
from specs.members import members_beside, overlay
from specs.outlets import ConsoleConfig, MqttConfig
from specs.products import Catalogue
from specs.session_hours import SessionHours
from specs.session_options import SessionOptions, SessionValues, values_of
from specs.sessions import default_calendar

VENUE_FILE = Path(__file__).with_name("venue.toml")
ALL_PRODUCTS = "*"

Port = Annotated[int, Meta(ge=1, le=65_535)]
Seconds = Annotated[int, Meta(ge=1, le=86_400)]
CompId = Annotated[str, Meta(pattern="^[A-Za-z0-9_.-]{1,16}$")]
Name = Annotated[str, Meta(pattern="^[A-Za-z0-9_.-]{1,14}$")]
Rows = Annotated[int, Meta(ge=0, le=100_000_000)]
Lots = Annotated[int, Meta(ge=0, le=1_000_000_000_000)]
Amount = Annotated[int, Meta(ge=0, le=1_000_000_000_000)]
Rate = Annotated[int, Meta(ge=0, le=1_000_000_000)]


def _check_unique(named: list[tuple[str, str]]) -> None:
    """Raises at the first (path, name) whose name stood before."""
    seen: set[str] = set()
    for path, name in named:
        if name in seen:
            raise ValueError(f"{path} {name!r} stands twice; allowed: each name once")
        seen.add(name)


class _Table(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What all tables of the file share: immutable, no unknown keys."""


class Line(_Table, frozen=True):
    """One multicast line."""

    group: str
    port: Port

    def __post_init__(self) -> None:
        """A multicast group is an address of 224.0.0.0/4 or ff00::/8."""
        check_multicast_group("group", self.group)


class Unicast(_Table, frozen=True):
    """One subscriber that multicast does not reach."""

    host: str
    port: Port

    def __post_init__(self) -> None:
        """The address of a host."""
        check_unicast("host", self.host)


class FeedGroup(_Table, frozen=True):
    """A product group: lines and a recovery service of its own for some products."""

    name: Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,20}$")]
    products: Annotated[tuple[str, ...], Meta(min_length=1, max_length=64)]
    line_a: Line
    line_b: Line
    snapshot_line: Line
    recovery_port: Port


class TlsConfig(_Table, frozen=True):
    """TLS 1.3 for FIX; paths are absolute, or as seen from the file that names them.

    Source: order_entry.md O-104.
    """

    certificate: Annotated[str, Meta(min_length=1)]  # PEM: the venue's, then its issuers'
    key: Annotated[str, Meta(min_length=1)]
    client_ca: str = ""  # PEM: who issues members' certificates; "": none is asked for


class FixConfig(_Table, frozen=True):
    """The FIX acceptor."""

    host: str = "127.0.0.1"
    port: Port = 9878
    tls: TlsConfig | None = None
    schedule: SessionHours | None = None
    connections_max: Annotated[int, Meta(ge=1, le=10_000)] = 256
    connections_per_address_max: Annotated[int, Meta(ge=0, le=10_000)] = 0
    logons_per_minute_max: Annotated[int, Meta(ge=1, le=1_000_000)] = 600
    throttled_seconds_max: Seconds = 10
    logon_timeout_seconds: Seconds = 10
    sending_time_seconds: Seconds = 120
    heartbeat_seconds_max: Seconds = 3_600
    possdup_stale_seconds: Seconds = 60
    reconnect_grace_seconds: Seconds = 30
    logout_timeout_seconds: Seconds = 10
    market_data_interval_ms: Annotated[int, Meta(ge=50, le=60_000)] = 100
    turn_bytes_max: Annotated[int, Meta(ge=65_536, le=16_777_216)] = 131_072
    send_buffer_bytes_max: Annotated[int, Meta(ge=1_048_576, le=1_073_741_824)] = 16_777_216

    def __post_init__(self) -> None:
        """The address is one."""
        parse_ip("host", self.host)


class FeedConfig(_Table, frozen=True):
    """The market data feed: two multicast lines and the recovery service."""

    interface: str = "127.0.0.1"
    ttl: Annotated[int, Meta(ge=0, le=255)] = 0
    line_a: Line = Line(group="239.255.73.1", port=30001)
    line_b: Line = Line(group="239.255.73.2", port=30002)
    unicast: Annotated[tuple[Unicast, ...], Meta(max_length=64)] = ()
    snapshot_line: Line = Line(group="239.255.73.3", port=30004)
    snapshot_bytes_per_second: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 2_000_000
    recovery_host: str = "127.0.0.1"
    recovery_port: Port = 30003
    recovery_connections_max: Annotated[int, Meta(ge=1, le=10_000)] = 64
    packet_bytes_max: Annotated[int, Meta(ge=512, le=1_400)] = 1_400
    heartbeat_seconds: Seconds = 1
    nice: Annotated[int, Meta(ge=0, le=19)] = 19
    groups: Annotated[tuple[FeedGroup, ...], Meta(max_length=12)] = ()

    @property
    def of_groups(self) -> tuple[FeedConfig, ...]:
        """The feed of each group, with the rest as it is here."""
        return tuple(
            msgspec.structs.replace(
                self,
                line_a=group.line_a,
                line_b=group.line_b,
                snapshot_line=group.snapshot_line,
                recovery_port=group.recovery_port,
                unicast=(),
                groups=(),
            )
            for group in self.groups
        )

    def of_group(self, name: str) -> FeedConfig:
        """The feed of a group; ValueError where there is none of this name."""
        names = [group.name for group in self.groups]
        if name not in names:
            raise ValueError(f"no product group {name!r}; allowed: {', '.join(names) or 'none'}")
        return self.of_groups[names.index(name)]

    def __post_init__(self) -> None:
        """Addresses; lines that differ, also from those of every group."""
        check_interface("interface", self.interface)
        _check_unique([("groups", group.name) for group in self.groups])
        ports = [self.recovery_port, *(group.recovery_port for group in self.groups)]
        _check_unique([("recovery_port", str(port)) for port in ports])
        feeds = (self, *self.of_groups)
        lines = [one for feed in feeds for one in (feed.line_a, feed.line_b, feed.snapshot_line)]
        if self.groups:
            _check_unique([("line", f"{line.group}:{line.port}") for line in lines])
        for line in (self.line_a, self.line_b, self.snapshot_line):
            if ":" in line.group and is_address(self.interface):
                raise ValueError(
                    f"interface {self.interface!r}; allowed: with an IPv6 group the name of one"
                )
        parse_ip("recovery_host", self.recovery_host)
        if self.line_a == self.line_b:
            raise ValueError("line_b; allowed: another group or port than line_a")
        if self.snapshot_line in (self.line_a, self.line_b):
            raise ValueError("snapshot_line; allowed: another group or port than line_a and line_b")


class DayConfig(_Table, frozen=True):
    """When the venue day changes, and whether products keep the hours of their templates."""

    roll_time: time = time(17)
    time_zone: str = "+08:00"
    schedule: bool = False

    def __post_init__(self) -> None:
        """The zone is known, and the roll time is a bare time of the day."""
        parse_zone(self.time_zone)
        if self.roll_time.tzinfo is not None:
            raise ValueError("roll_time; allowed: a time of the day such as 17:00:00")

    def venue_day(self, calendar: Calendar | None = None) -> VenueDay:
        """The rule that gives an instant its venue day."""
        zone = parse_zone(self.time_zone)
        return VenueDay(self.roll_time, zone, calendar or default_calendar().venue)


class OperatorConfig(_Table, frozen=True):
    """What an operator reads of a running venue; all of it needs the extra [operator]."""

    metrics_port: Annotated[int, Meta(ge=0, le=65_535)] = 0
    log: str = ""
    page_port: Annotated[int, Meta(ge=0, le=65_535)] = 0
    page_token: Annotated[str, Meta(pattern=r"^([A-Za-z0-9_-]{16,128})?$")] = ""


class Account(_Table, frozen=True):
    """One account of a member: its pre-trade risk limits, the protection of its quotes.

    Source: matching.md M-60 to M-65, M-187.
    """

    name: Name
    open_orders_max: Rows = 1_050_000
    position_long_max: Lots = 100_000_000
    position_short_max: Lots = 100_000_000
    order_notional_max: Amount = 1_000_000_000
    open_notional_max: Amount = 1_000_000_000_000
    orders_per_second_max: Rate = 10_000_000
    quote_window_ms: Annotated[int, Meta(ge=0, le=3_600_000)] = 0
    quote_executions_max: Rate = 0
    quote_qty_max: Lots = 0
    quote_delta_max: Lots = 0


class Member(SessionValues, frozen=True, kw_only=True, rename={"accounts": "account"}):
    """One member: who it is, what it may do; what holds for its sessions."""

    name: Name
    accounts: Annotated[tuple[Account, ...], Meta(min_length=1, max_length=1_000)]
    sessions: Annotated[tuple[CompId, ...], Meta(max_length=1_000)] = ()
    products: Annotated[tuple[str, ...], Meta(min_length=1)] = (ALL_PRODUCTS,)
    requests_per_day_max: Rows = 1_100_000
    live_orders_max: Rows = 1_050_000
    messages_per_second_max: Rate = 10_000_000
    messages_burst_max: Rate = 0
    cancels_per_second_max: Rate = 1_000
    session: dict[str, SessionOptions] = {}
    password_hash: str = ""
    public_key: str = ""
    certificate: bool = False
    addresses: Annotated[tuple[str, ...], Meta(max_length=1_000)] = ()
    disabled: bool = False

    def __post_init__(self) -> None:
        """Credentials have the forms that `sitex password` and `sitex member` write."""
        if self.password_hash and not is_password_hash(self.password_hash):
            raise ValueError("password_hash; allowed: '' or what `sitex password` prints")
        if self.public_key and not public_key_bytes(self.public_key):
            raise ValueError("public_key; allowed: '' or ed25519: and 64 digits of hex")
        try:
            parse_networks(self.addresses)
        except ValueError as error:
            text = f"addresses {error}; allowed: networks such as 10.1.0.0/16, addresses"
            raise ValueError(text) from error
        for name in self.session:
            if name not in self.comp_ids:
                raise ValueError(f"session.{name}; allowed: {', '.join(self.comp_ids)}")

    def values_of(self, comp_id: str) -> SessionValues:
        """What holds for one of its sessions."""
        return values_of(self, self.session.get(comp_id))

    @property
    def has_credential(self) -> bool:
        """Whether a Logon must prove anything."""
        return bool(self.password_hash or self.public_key or self.certificate)

    @property
    def comp_ids(self) -> tuple[str, ...]:
        """The CompIDs it may log on with."""
        return self.sessions or (self.name,)

    @property
    def default_account(self) -> str:
        """The account of orders that name none."""
        return self.accounts[0].name


class VenueConfig(_Table, frozen=True, rename={"members": "member"}):
    """All of venue.toml."""

    members: Annotated[tuple[Member, ...], Meta(min_length=1, max_length=1_000)]
    target_comp_id: CompId = "SITEX"
    durability: Literal["fsync", "os"] = "fsync"
    fix: FixConfig = FixConfig()
    feed: FeedConfig = FeedConfig()
    day: DayConfig = DayConfig()
    operator: OperatorConfig = OperatorConfig()
    mqtt: MqttConfig = MqttConfig()
    console: ConsoleConfig = ConsoleConfig()

    def __post_init__(self) -> None:
        """Names are unique; without a credential everything listens on loopback."""
        members = list(enumerate(self.members))
        _check_unique([(f"member[{row}].name", member.name) for row, member in members])
        _check_unique(
            [
                (f"member[{row}].account[{column}].name", account.name)
                for row, member in members
                for column, account in enumerate(member.accounts)
            ]
        )
        comp_ids = [
            (f"member[{row}].sessions", comp_id)
            for row, member in members
            for comp_id in member.comp_ids
        ]
        _check_unique([("target_comp_id", self.target_comp_id), *comp_ids])
        names = [member.name for member in self.members]
        for row, member in members:
            for comp_id in member.comp_ids:
                for name in member.values_of(comp_id).drop_copy:
                    if name not in names:
                        path = f"member[{row}] session {comp_id}: drop_copy"
                        raise ValueError(f"{path} {name!r}; allowed: {', '.join(names)}")
        self._check_credentials()

    def _check_credentials(self) -> None:
        """Who listens beyond loopback has TLS, and no member without a credential."""
        client_ca = self.fix.tls is not None and self.fix.tls.client_ca
        outside = [text for text in self.addresses if not is_loopback(text)]
        for row, member in enumerate(self.members):
            if member.certificate and not client_ca:
                raise ValueError(
                    f"member[{row}].certificate is true for {member.name}; allowed: false, or"
                    " fix.tls.client_ca that names who issues members' certificates"
                )
            if outside and not member.has_credential:
                raise ValueError(
                    f"member[{row}].password_hash is empty for {member.name} while {outside[0]} is"
                    " not loopback; allowed: what `sitex password` prints, a public_key, or"
                    " certificate = true; '' while every address is loopback"
                )
        if not is_loopback(self.fix.host) and self.fix.tls is None:
            raise ValueError(
                f"fix.host {self.fix.host!r} is not loopback and there is no TLS; allowed:"
                " a loopback address, or a table fix.tls with certificate and key"
            )

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address that something listens on or that the feed leaves by."""
        subscribers = (one.host for one in self.feed.unicast)
        return (
            self.fix.host,
            self.feed.recovery_host,
            self.feed.interface,
            self.console.host,
            *subscribers,
        )


class VenueSource(NamedTuple):
    """Where a configuration came from, to read it again."""

    file: Path = VENUE_FILE
    overrides: tuple[str, ...] = ()


DEFAULT_VENUE = VenueSource()


def load_venue(
    file: Path = VENUE_FILE,
    overrides: Iterable[str] = (),
    catalogue: Catalogue | None = None,
) -> VenueConfig:
    """The venue of `file`, with `overrides` such as `fix.port=9900`; raises SpecError.

    Members of members.toml beside the file are added (specs/members.py), paths of fix.tls made
    absolute. With a catalogue, the products that members name must be in it.
    """
    beside = members_beside(file)
    config = load_toml(file, VenueConfig, overrides, lambda raw: overlay(raw, beside))
    if config.fix.tls is not None:
        config = _with_paths(config, config.fix.tls, file)
    if catalogue is not None:
        _check_products(config, catalogue, file)
    return config


def load_reader(
    file: Path = VENUE_FILE, overrides: Iterable[str] = (), group: str = ""
) -> VenueConfig:
    """As load_venue, for who reads the lines of a product group; empty: those of everything."""
    config = load_venue(file, overrides)
    if not group:
        return config
    try:
        return msgspec.structs.replace(config, feed=config.feed.of_group(group))
    except ValueError as error:
        raise SpecError(file, "$.feed.groups", str(error)) from None


def permits(member: Member, code: str) -> bool:
    """Whether the member may trade the product of this code."""
    return ALL_PRODUCTS in member.products or code in member.products


def _with_paths(config: VenueConfig, tls: TlsConfig, file: Path) -> VenueConfig:
    """The configuration with paths of TLS as seen from anywhere; raises SpecError."""
    found: dict[str, str] = {}
    for name in ("certificate", "key", "client_ca"):
        path: str = getattr(tls, name)
        if path:
            place = (file.parent / path).resolve()
            if not place.is_file():
                raise SpecError(file, f"$.fix.tls.{name}", f"{path!r} is no file", "a PEM file")
            found[name] = str(place)
    changed = msgspec.structs.replace(tls, **found)
    return msgspec.structs.replace(config, fix=msgspec.structs.replace(config.fix, tls=changed))


def _check_products(config: VenueConfig, catalogue: Catalogue, file: Path) -> None:
    places = [
        (f"$.member[{row}].products", member.products, (ALL_PRODUCTS, *catalogue.codes))
        for row, member in enumerate(config.members)
    ] + [
        (f"$.feed.groups[{row}].products", group.products, catalogue.codes)
        for row, group in enumerate(config.feed.groups)
    ]
    for path, codes, allowed in places:
        for column, code in enumerate(codes):
            if code not in allowed:
                raise SpecError(
                    file,
                    f"{path}[{column}]",
                    f"unknown product {code!r}",
                    ", ".join(repr(name) for name in allowed),
                )

"""The subscriber's library, sans I/O: packets in, updates out, and what to ask for recovery.

Arbitrates lines A and B by message number, waits a short window for what may only be late, asks for
replay or a snapshot, and keeps the books. A command's messages are applied together, so a reader
never sees a half-applied sweep. Opens no socket and reads no clock; feed/subscriber.py is the
asyncio shell around it.

Source: specs/market_data.md (F-5 to F-9, F-12, F-26, F-40 to F-45, F-130, F-131).
"""

from __future__ import annotations

from collections.abc import Callable

from feed.books import Books
from feed.handler_terms import LINES, FeedState, HandlerCounts, HandlerLimits, Update
from feed.joiner import SnapshotJoiner, SnapshotReader
from feed.messages import (
    DayRolled,
    MarketMessage,
    MessageFlag,
    Refused,
    RefusedReason,
    ReplayRequest,
    Request,
    SnapshotRequest,
)
from feed.packet import (
    Header,
    PacketError,
    PacketKind,
    decode_datagram,
    decode_header,
    decode_messages,
)
from feed.pending import Pending
from feed.slices import BookError

_END_OF_EVENT = int(MessageFlag.END_OF_EVENT)


class Handler:
    """Books kept up from two lines of packets and a recovery service.

    `on_update` is called with every Update while the books stand exactly as after it; if it raises,
    the books are not believed any more (a snapshot is taken) and the error goes to the caller.
    `on_state` is called with the state when receiving or `poll` finds it changed. `on_packet` gets
    every packet that the books are made of, in order: a recording. With `asks` False there is no
    recovery service: the handler asks nothing and joins from the snapshot line alone.
    """

    def __init__(
        self,
        limits: HandlerLimits | None = None,
        on_update: Callable[[Update], None] | None = None,
        on_state: Callable[[FeedState], None] | None = None,
        asks: bool = True,
    ) -> None:
        self.limits = limits or HandlerLimits()
        self.on_update = on_update
        self.on_state = on_state
        self.on_packet: Callable[[bytes], object] | None = None
        self.asks = asks
        self.counts = HandlerCounts()
        self.lines_heard_ns: list[int | None] = [None] * LINES  # last packet of each line
        self.books = self._empty_books()  # a snapshot replaces it
        self.session = 0
        self._session_before = 0  # which ended with its venue day
        self.next_sequence = 0  # of the next message to take; 0: no snapshot, or not believed
        self._highest = 0  # one past the highest message known to exist
        self._pending = Pending()
        self._open: list[MarketMessage] = []  # messages of a command not yet complete
        self._gap_since_ns: int | None = None
        self._heard_ns: int | None = None  # last packet, or last request made for want of one
        self._alive_ns: int | None = None  # last packet of any line
        self._progress_ns: int | None = None  # what was missing came, or began to be missing
        self._told_state = FeedState.STALE
        self._asked: Request | None = None
        self._asked_ns = 0
        self._not_before_ns = 0  # no request before
        self._session_check_ns = 0  # no doubt about the session before
        self._reader = SnapshotReader(self._empty_books)
        self._joiner = SnapshotJoiner(self._empty_books)
        self._snapshot_wanted = True

    @property
    def live(self) -> bool:
        """True when the books hold all that is known to have been published."""
        return self.next_sequence > 0 and not self._snapshot_wanted and not self._gap

    @property
    def sequence(self) -> int:
        """Number of the last message the books hold; those of half an event are held back."""
        return max(self.next_sequence - 1, 0) - len(self._open)

    @property
    def in_event(self) -> bool:
        """True while messages of half an event are held back."""
        return bool(self._open)

    @property
    def _gap(self) -> bool:
        return self._highest > self.next_sequence

    def state(self, now_ns: int) -> FeedState:
        """Whether the books may be believed now (F-130)."""
        limits = self.limits
        if self.live:
            silent = self._alive_ns is None or now_ns - self._alive_ns >= limits.silence_ns
            return FeedState.STALE if silent else FeedState.SYNCHRONIZED
        if self._progress_ns is None or now_ns - self._progress_ns >= limits.stale_ns:
            return FeedState.STALE
        if self._asked is not None or self._joiner.session:
            return FeedState.RECOVERING
        return FeedState.STALE if self._snapshot_wanted else FeedState.GAP

    def line_silent(self, line: int, now_ns: int) -> bool:
        """True when line 0 (A) or 1 (B) has said nothing for `silence_ns` (F-9)."""
        heard_ns = self.lines_heard_ns[line]
        return heard_ns is None or now_ns - heard_ns >= self.limits.silence_ns

    def _tell_state(self, now_ns: int) -> None:
        if self.on_state is not None:
            state = self.state(now_ns)
            if state != self._told_state:
                self._told_state = state
                self.on_state(state)

    def receive(self, line: int, data: bytes, now_ns: int) -> list[Update]:
        """One datagram of line 0 (A) or 1 (B). Garbage is counted and dropped (F-7)."""
        try:
            header = decode_datagram(data)
            if header.kind != PacketKind.MESSAGES:
                raise PacketError(f"packet kind {header.kind} on a line")
        except PacketError:
            self.counts.garbage += 1
            return []
        self.counts.packets[line] += 1
        if self.session and header.session != self.session:
            if header.session != self._session_before:
                self._receive_other_session(now_ns)
            return []
        self._heard_ns = self._alive_ns = self.lines_heard_ns[line] = now_ns
        updates = self._receive_messages(header, data, now_ns)
        if updates:
            self.counts.first[line] += 1
        self._tell_state(now_ns)
        return updates

    def receive_snapshot_line(self, data: bytes, now_ns: int) -> list[Update]:
        """One datagram of the snapshot line; passed over while no picture is needed (F-138)."""
        try:
            header = decode_datagram(data)
            if header.kind != PacketKind.SNAPSHOT:
                raise PacketError(f"packet kind {header.kind} on the snapshot line")
            if not self._picture_needed(now_ns) or self.session not in (0, header.session):
                self._joiner.clear()
                return []
            self._joiner.receive(header, decode_messages(data, header))
        except PacketError:
            self.counts.garbage += 1
            return []
        self._progress_ns = now_ns
        joined = self._joiner.join(self._pending.in_order())
        updates: list[Update] = []
        if joined is not None:
            books, sequence = joined
            updates = self._take_books(books, header.session, sequence, now_ns)
        self._tell_state(now_ns)
        return updates

    def _picture_needed(self, now_ns: int) -> bool:
        if self._snapshot_wanted or self.asks or not self._gap or self._gap_since_ns is None:
            return self._snapshot_wanted
        return now_ns - self._gap_since_ns >= self.limits.reorder_window_ns

    def receive_recovery(self, data: bytes, now_ns: int) -> list[Update]:
        """One whole packet of the recovery connection; PacketError if it is none."""
        updates = self._receive_answer(data, now_ns)
        self._tell_state(now_ns)
        return updates

    def _receive_answer(self, data: bytes, now_ns: int) -> list[Update]:
        header = decode_header(data)
        is_other = header.session not in (0, self.session, self._session_before)
        if header.kind == PacketKind.MESSAGES:
            if header.session != self.session:
                self._snapshot_wanted |= is_other  # the service knows: a day ended unheard
                return []
            self._asked_ns = self._progress_ns = now_ns  # it is under way
            if header.message_count == 0:
                self._replay_done(now_ns)
            return self._receive_messages(header, data, now_ns)
        messages = decode_messages(data, header)
        if header.kind == PacketKind.SNAPSHOT:
            self._asked_ns = self._progress_ns = now_ns
            if self.on_packet is not None:
                self.on_packet(data)
            books = self._reader.receive(messages)
            if books is None:
                return []
            return self._take_books(books, header.session, header.sequence, now_ns)
        for message in messages:
            if isinstance(message, Refused):
                self._receive_refused(message, now_ns)
                self._snapshot_wanted |= is_other
        return []

    def recovery_lost(self, now_ns: int) -> None:
        """The recovery connection could not be made or broke: ask again later."""
        self._asked = None
        self._reader.clear()
        self._not_before_ns = now_ns + self.limits.retry_ns
        self._tell_state(now_ns)

    def poll(self, now_ns: int) -> Request | None:
        """The request to send now, if one is due; call after receiving and at the deadline."""
        due = self.next_deadline_ns(now_ns)
        request = None if due is None or due > now_ns else self._request(now_ns)
        self._tell_state(now_ns)
        return request

    def _request(self, now_ns: int) -> Request | None:
        limits = self.limits
        silent = self._heard_ns is not None and now_ns - self._heard_ns >= limits.silence_ns
        if silent:
            self._heard_ns = now_ns
        missing = self._missing()
        if self._snapshot_wanted or missing > limits.replay_gap_max:
            self._snapshot_wanted = True
            self.counts.snapshots_asked += 1
            request: Request = SnapshotRequest(0)
        elif self._gap or silent:
            self.counts.gaps += self._gap
            self.counts.replays_asked += 1
            count = missing if self._gap else limits.replay_messages_max
            request = ReplayRequest(self.next_sequence, min(count, limits.replay_messages_max))
        else:
            self._asked = None
            return None
        self._asked, self._asked_ns = request, now_ns
        self._reader.clear()
        if self._progress_ns is None:
            self._progress_ns = now_ns  # the first request of all
        return request

    def next_deadline_ns(self, now_ns: int) -> int | None:
        """When `poll` has something to do if no packet comes before; None: nothing is awaited."""
        limits = self.limits
        if not self.asks:
            return None
        if self._asked is not None:
            return self._asked_ns + limits.request_timeout_ns
        if self._snapshot_wanted:
            return max(self._not_before_ns, 0)
        if self._gap:
            since = self._gap_since_ns if self._gap_since_ns is not None else now_ns
            return max(since + limits.reorder_window_ns, self._not_before_ns)
        return None if self._heard_ns is None else self._heard_ns + limits.silence_ns

    def _missing(self) -> int:
        """Messages between the next one and the first one that waits."""
        while self._pending.pop(self.next_sequence - 1) is not None:
            continue
        return self._pending.first(self._highest) - self.next_sequence

    def _empty_books(self) -> Books:
        return Books(self.limits.instruments_max, self.limits.pages_max)

    def _receive_other_session(self, now_ns: int) -> None:
        """Perhaps a new venue, perhaps garbage: only the recovery service can tell (F-8)."""
        self.counts.other_session += 1
        if not self.asks:
            if self._alive_ns is None or now_ns - self._alive_ns >= self.limits.silence_ns:
                self._begin_again()
            return
        if self._asked is None and now_ns >= self._session_check_ns:
            self._snapshot_wanted = True

    def _receive_messages(self, header: Header, data: bytes, now_ns: int) -> list[Update]:
        stop = header.sequence + header.message_count
        self._highest = max(self._highest, stop)
        if self.next_sequence == 0 or header.sequence > self.next_sequence:
            if header.message_count:
                self._pend(header, data)
            if self._gap_since_ns is None:
                self._gap_since_ns = now_ns
                if self.next_sequence:
                    self._progress_ns = now_ns
            return []
        if stop <= self.next_sequence:
            self.counts.duplicates += header.message_count > 0
            return []
        updates: list[Update] = []
        self._progress_ns = now_ns
        self._take(header, data, updates)
        self._drain(updates)
        self._progress(now_ns)
        return updates

    def _pend(self, header: Header, data: bytes) -> None:
        if header.sequence in self._pending:
            self.counts.duplicates += 1
        elif len(self._pending) >= self.limits.pending_packets_max:
            self.counts.pending_dropped += 1
            if not self.asks:  # what is old never becomes whole: the next picture is newer
                self._pending = Pending()
        else:
            self._pending.add(header, data)

    def _drain(self, updates: list[Update]) -> None:
        """Takes what waited and is next now."""
        while (packet := self._pending.pop(self.next_sequence)) is not None:
            header, data = packet
            if self._snapshot_wanted:
                return
            stop = header.sequence + header.message_count
            if header.session == self.session and stop > self.next_sequence:
                self._take(header, data, updates)

    def _progress(self, now_ns: int) -> None:
        self._gap_since_ns = now_ns if self._gap else None
        asked = self._asked
        if isinstance(asked, ReplayRequest) and self.next_sequence >= asked.first + asked.count:
            self._replay_done(now_ns)

    def _replay_done(self, now_ns: int) -> None:
        if isinstance(self._asked, ReplayRequest):
            self._asked = None
        if self._gap:  # what is missing still is no disorder: ask at once
            self._gap_since_ns = now_ns - self.limits.reorder_window_ns

    def _take(self, header: Header, data: bytes, updates: list[Update]) -> None:
        """Applies the messages of a packet from `next_sequence` on."""
        try:
            messages = decode_messages(data, header)
        except PacketError:
            self.counts.garbage += 1
            return
        skipped = self.next_sequence - header.sequence
        if skipped:
            messages = messages[skipped:]
        sequence = self.next_sequence
        self.next_sequence = header.sequence + header.message_count
        opened, apply = self._open, self.books.apply
        for message in messages:
            opened.append(message)
            if message.flags & _END_OF_EVENT:
                try:
                    for one in opened:
                        apply(one)
                except (BookError, OverflowError):
                    self._distrust()
                    return
                self._give(Update(sequence, opened, False), updates)
                opened = []
            sequence += 1
        self._open = opened
        if self.on_packet is not None:
            self.on_packet(data)
        if len(opened) > self.limits.open_messages_max:
            self._distrust()
        elif isinstance(messages[-1], DayRolled) and messages[-1].next_session:
            self._begin_session(messages[-1].next_session)

    def _begin_session(self, session: int) -> None:
        """The venue day is over: numbers begin again, the books go on (F-34)."""
        self._session_before, self.session = self.session, session
        self.next_sequence = self._highest = 1
        self._pending = Pending()
        self._asked = None

    def _give(self, update: Update, updates: list[Update]) -> None:
        updates.append(update)
        if self.on_update is not None:
            try:
                self.on_update(update)
            except BaseException:
                self._distrust()  # the rest of the packet is not applied
                raise

    def _distrust(self) -> None:
        """The messages do not fit the books: take nothing more before a new snapshot."""
        self.counts.inconsistent += 1
        self.next_sequence = 0
        self._open = []
        self._snapshot_wanted = True
        self._asked = None

    def _begin_again(self) -> None:
        """The session is over and nobody can be asked: the snapshot line tells of the next one."""
        self.session = self.next_sequence = self._highest = 0
        self._pending = Pending()
        self._open = []
        self._gap_since_ns = None
        self._snapshot_wanted = True

    def _take_books(self, books: Books, session: int, sequence: int, now_ns: int) -> list[Update]:
        if session != self.session:
            self._highest = 0
        self.session, self._session_before = session, 0
        self.books = books
        self.next_sequence = sequence + 1
        self._highest = max(self._highest, self.next_sequence)
        self._open = []
        self._asked = None
        self._snapshot_wanted = False
        self._session_check_ns = now_ns + self.limits.retry_ns
        self.counts.snapshots += 1
        if self._alive_ns is None:
            self._alive_ns = now_ns  # the lines have as long to say something
        updates: list[Update] = []
        self._give(Update(sequence, [], True), updates)
        self._drain(updates)
        self._gap_since_ns = now_ns if self._gap else None
        return updates

    def _receive_refused(self, refused: Refused, now_ns: int) -> None:
        self.counts.refused += 1
        self._asked = None
        self._reader.clear()
        self._not_before_ns = now_ns + self.limits.retry_ns
        if refused.reason == RefusedReason.NOT_AVAILABLE:
            self._snapshot_wanted = True
        elif refused.reason == RefusedReason.NOT_YET:
            self._forget_beyond(refused.next_sequence)

    def _forget_beyond(self, next_sequence: int) -> None:
        """What claimed to lie beyond the service's next message was never published."""
        self._highest = max(min(self._highest, next_sequence), self.next_sequence)
        self._pending.forget_from(next_sequence)
        self._gap_since_ns = None if not self._gap else self._gap_since_ns

"""Hints: the memory that the next commands will touch is asked for before they are applied.

A pipeline: while one command is applied, the row of a later one is asked for, the ids of one before
that are hashed and their slots asked for, of one nearer the request row it names, of the next the
order row and, with many live orders, what lies around it. So each link of the chain has the time of
some commands to arrive, and what is asked for is spread evenly: in bursts it waited for itself. A
hint may be stale or wrong and changes nothing.

Source: docs/decisions/0102-engine-tables.md.
"""

from __future__ import annotations

from engine.bits import hash_id, prefetch, prefetch_line
from engine.book import (
    free_at,
    header_of,
    hint_at,
    instrument_at,
    level_at,
    order_at,
    product_at,
    request_at,
    risk_at,
    slot_at,
)
from engine.ids import hint_row
from engine.kernel import codec_kernel
from engine.limits import (
    COMMANDS_AHEAD,
    HASHED_AHEAD,
    HINT_ORDERS_MIN,
    HINT_ROWS,
    NAMED_AHEAD,
    NEIGHBOURS_AHEAD,
    ORDERS_AHEAD,
    REQUESTS_AHEAD,
)
from engine.types import CommandKind, Side


@codec_kernel
def start_hints(book, commands):
    """Hash the first commands' ids and fill the pipeline."""
    count = commands.shape[0]
    for i in range(min(HASHED_AHEAD, count)):
        hash_command(book, commands[i], hint_at(book, i & (HINT_ROWS - 1)))
    if count > 1:
        for i in range(min(NAMED_AHEAD, count)):
            hint_request(book, commands[i], hint_at(book, i & (HINT_ROWS - 1)))
        for i in range(min(ORDERS_AHEAD, count)):
            hint_order(book, commands[i], hint_at(book, i & (HINT_ROWS - 1)))


@codec_kernel
def hint(book, commands, first):
    """Before the command at `first` is applied: move those behind it on by a stage."""
    count = commands.shape[0]
    header = header_of(book)
    if first + COMMANDS_AHEAD < count:
        prefetch(commands[first + COMMANDS_AHEAD])
    row = header["request_count"] + REQUESTS_AHEAD
    if row < header["requests_max"]:
        prefetch(request_at(book, row))
    at = first + HASHED_AHEAD
    if at < count:
        hash_command(book, commands[at], hint_at(book, at & (HINT_ROWS - 1)))
    at = first + NAMED_AHEAD
    if at < count:
        hint_request(book, commands[at], hint_at(book, at & (HINT_ROWS - 1)))
    at = first + ORDERS_AHEAD
    if at < count:
        hint_order(book, commands[at], hint_at(book, at & (HINT_ROWS - 1)))
    if header["orders_live"] >= HINT_ORDERS_MIN:
        at = first + NEIGHBOURS_AHEAD
        if at < count:
            hint_neighbours(book, commands[at], hint_at(book, at & (HINT_ROWS - 1)))


@codec_kernel
def hash_command(book, command, row):
    """Hash the ids of a command and ask for their slots."""
    key = header_of(book)["hash_key"]
    mask = header_of(book)["slots_rows"] - 1
    kind = command["kind"]
    row["named"] = 0
    if kind < CommandKind.NEW_ORDER or kind > CommandKind.MASS_CANCEL:
        return
    member = command["member"]
    hashed = hash_id(
        command["cl_ord_id_0"], command["cl_ord_id_1"], command["cl_ord_id_2"], member, key
    )
    row["hash"] = hashed
    prefetch(slot_at(book, hashed & mask))
    if kind == CommandKind.CANCEL or kind == CommandKind.REPLACE:
        hashed = hash_id(
            command["orig_cl_ord_id_0"],
            command["orig_cl_ord_id_1"],
            command["orig_cl_ord_id_2"],
            member,
            key,
        )
        row["orig_hash"] = hashed
        prefetch(slot_at(book, hashed & mask))


@codec_kernel
def hint_request(book, command, row):
    """Ask for the request row that a cancel or replace names."""
    kind = command["kind"]
    if kind == CommandKind.CANCEL or kind == CommandKind.REPLACE:
        row["named"] = hint_row(book, row["orig_hash"])
        prefetch(request_at(book, row["named"]))


@codec_kernel
def hint_order(book, command, row):
    """Ask for the row of the order named, or for the free row that a new order will take."""
    header = header_of(book)
    kind = command["kind"]
    if kind == CommandKind.CANCEL or kind == CommandKind.REPLACE:
        row["order"] = request_at(book, row["named"])["order_index"]
        prefetch(order_at(book, row["order"]))
    elif kind == CommandKind.NEW_ORDER and header["orders_live"] >= HINT_ORDERS_MIN:
        hint_tail(book, command)
        free = header["free_count"] - ORDERS_AHEAD // 2  # about every second command takes one
        if free > 0:
            index = free_at(book, free)["row"]
            prefetch(order_at(book, index))


@codec_kernel
def hint_tail(book, command):
    """Ask for the last order of the queue and of the list that a new order will join."""
    header = header_of(book)
    if command["instrument"] >= header["instruments_rows"]:
        return
    instrument = instrument_at(book, command["instrument"])
    if instrument["defined"] == 0 or command["account"] >= header["accounts_rows"]:
        return
    tick = product_at(book, instrument["product"])["tick"]
    level = (command["price"] - instrument["base_price"]) // tick
    if level >= 0 and level < instrument["level_count"]:
        tail = level_at(book, level + instrument["level_first"])["tail"]
        prefetch_line(order_at(book, tail))
    risk = risk_at(book, command["account"] * header["risk_stride"] + command["instrument"])
    last = risk["buy_last"] if command["side"] == Side.BUY else risk["sell_last"]
    prefetch_line(order_at(book, last))


@codec_kernel
def hint_neighbours(book, command, row):
    """Ask for the neighbours of the order named, in their queues and lists."""
    kind = command["kind"]
    if kind == CommandKind.CANCEL or kind == CommandKind.REPLACE:
        index = row["order"]
        order = order_at(book, index)
        prefetch_line(order_at(book, order["queue_prev"]))
        prefetch_line(order_at(book, order["queue_next"]))
        prefetch_line(order_at(book, order["own_prev"]))
        prefetch_line(order_at(book, order["own_next"]))

"""Hints: the memory that the next commands will touch is asked for before they are applied.

A pipeline over chunks of commands: while one chunk is applied, the ids of the third behind it are
hashed and their slots asked for, of the second the request rows it names, of the next the order
rows and, with many live orders, what lies around them. So each link of the chain has the time of a
chunk to arrive. A hint may be stale or wrong and changes nothing.

Source: docs/decisions/0102-engine-tables.md.
"""

from __future__ import annotations

from engine.bits import hash_id, prefetch
from engine.book import (
    free_at,
    header_of,
    hint_at,
    instrument_at,
    level_at,
    link_at,
    order_at,
    product_at,
    request_at,
    risk_at,
    slot_at,
)
from engine.ids import hint_row
from engine.kernel import codec_kernel
from engine.limits import HINT_CHUNK, HINT_ORDERS_MIN, HINT_ROWS
from engine.types import CommandKind, Side


@codec_kernel
def start_hints(book, commands):
    """Hash the first chunk's ids and fill the pipeline."""
    count = commands.shape[0]
    hash_commands(book, commands, 0, min(HINT_CHUNK, count))
    if count < 2:
        return
    hash_commands(book, commands, HINT_CHUNK, min(2 * HINT_CHUNK, count))
    hint_requests(book, commands, 0, min(HINT_CHUNK, count))
    hash_commands(book, commands, 2 * HINT_CHUNK, min(3 * HINT_CHUNK, count))
    hint_requests(book, commands, HINT_CHUNK, min(2 * HINT_CHUNK, count))
    hint_orders(book, commands, 0, min(HINT_CHUNK, count))


@codec_kernel
def hint(book, commands, first):
    """Before the chunk at `first` is applied: move each chunk behind it on by a stage."""
    count = commands.shape[0]
    at = first + 3 * HINT_CHUNK
    hash_commands(book, commands, at, min(at + HINT_CHUNK, count))
    at = first + 2 * HINT_CHUNK
    hint_requests(book, commands, at, min(at + HINT_CHUNK, count))
    at = first + HINT_CHUNK
    hint_orders(book, commands, at, min(at + HINT_CHUNK, count))
    if header_of(book)["orders_live"] >= HINT_ORDERS_MIN:
        hint_neighbours(book, commands, first, min(first + HINT_CHUNK, count))


@codec_kernel
def hash_commands(book, commands, first, last):
    """Hash the ids of commands and ask for their slots."""
    key = header_of(book)["hash_key"]
    mask = header_of(book)["slots_rows"] - 1
    for i in range(first, last):
        command = commands[i]
        kind = command["kind"]
        row = hint_at(book, i & (HINT_ROWS - 1))
        row["named"] = 0
        if kind < CommandKind.NEW_ORDER or kind > CommandKind.MASS_CANCEL:
            continue
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
def hint_requests(book, commands, first, last):
    """Ask for the request rows that cancels and replaces name."""
    for i in range(first, last):
        kind = commands[i]["kind"]
        if kind == CommandKind.CANCEL or kind == CommandKind.REPLACE:
            row = hint_at(book, i & (HINT_ROWS - 1))
            row["named"] = hint_row(book, row["orig_hash"])
            prefetch(request_at(book, row["named"]))


@codec_kernel
def hint_orders(book, commands, first, last):
    """Ask for the rows of the orders named, and for the free rows that new orders will take."""
    free = header_of(book)["free_count"]
    many = header_of(book)["orders_live"] >= HINT_ORDERS_MIN
    for i in range(first, last):
        kind = commands[i]["kind"]
        if kind == CommandKind.CANCEL or kind == CommandKind.REPLACE:
            row = hint_at(book, i & (HINT_ROWS - 1))
            row["order"] = request_at(book, row["named"])["order_index"]
            prefetch(link_at(book, row["order"]))
            prefetch(order_at(book, row["order"]))
        elif kind == CommandKind.NEW_ORDER and many:
            hint_tail(book, commands[i])
            if free > 0:
                index = free_at(book, free)["row"]
                prefetch(link_at(book, index))
                prefetch(order_at(book, index))
                free -= 1


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
        prefetch(order_at(book, tail))
    risk = risk_at(book, command["account"] * header["risk_stride"] + command["instrument"])
    last = risk["buy_last"] if command["side"] == Side.BUY else risk["sell_last"]
    prefetch(link_at(book, last))


@codec_kernel
def hint_neighbours(book, commands, first, last):
    """Ask for the neighbours of the orders named, in their queues and lists."""
    for i in range(first, last):
        kind = commands[i]["kind"]
        if kind == CommandKind.CANCEL or kind == CommandKind.REPLACE:
            index = hint_at(book, i & (HINT_ROWS - 1))["order"]
            order = order_at(book, index)
            link = link_at(book, index)
            prefetch(order_at(book, order["queue_prev"]))
            prefetch(order_at(book, order["queue_next"]))
            prefetch(link_at(book, link["own_prev"]))
            prefetch(link_at(book, link["own_next"]))
            prefetch(link_at(book, link["session_prev"]))
            prefetch(link_at(book, link["session_next"]))

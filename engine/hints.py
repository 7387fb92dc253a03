"""Hints: the memory that the next commands will touch is asked for before they are applied.

Commands of a chunk are hashed together, then each link of the chain (slot, request row, order row,
neighbours in its lists) is asked for in a pass of its own, so that the misses of 64 commands
overlap. A hint may be stale or wrong and changes nothing.

Source: docs/decisions/ (engine tables).
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
    slot_at,
)
from engine.ids import hint_row
from engine.kernel import kernel
from engine.limits import HINT_CHUNK, HINT_ORDERS_MIN
from engine.types import CommandKind


@kernel
def hint(book, commands, first):
    """Hash the ids of the next HINT_CHUNK commands and ask for what they will touch."""
    last = min(first + HINT_CHUNK, commands.shape[0])
    named = hash_commands(book, commands, first, last)
    if last - first < 2:
        return
    if named != 0:
        hint_requests(book, commands, first, last)
    hint_orders(book, commands, first, last)
    if header_of(book)["orders_live"] >= HINT_ORDERS_MIN:
        hint_tails(book, commands, first, last)
        hint_neighbours(book, commands, first, last)


@kernel
def hash_commands(book, commands, first, last):
    """Hashes of the chunk's ids; returns how many commands name an earlier one."""
    key = header_of(book)["hash_key"]
    mask = header_of(book)["slots_rows"] - 1
    named = 0
    for i in range(first, last):
        command = commands[i]
        kind = command["kind"]
        if kind < CommandKind.NEW_ORDER or kind > CommandKind.MASS_CANCEL:
            continue
        row = hint_at(book, i - first)
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
            named += 1
    return named


@kernel
def hint_requests(book, commands, first, last):
    """Ask for the request rows that cancels and replaces name."""
    for i in range(first, last):
        kind = commands[i]["kind"]
        if kind == CommandKind.CANCEL or kind == CommandKind.REPLACE:
            row = hint_at(book, i - first)
            row["named"] = hint_row(book, row["orig_hash"])
            prefetch(request_at(book, row["named"]))


@kernel
def hint_orders(book, commands, first, last):
    """Ask for the rows of the orders named, and for the free rows that new orders will take."""
    free = header_of(book)["free_count"]
    for i in range(first, last):
        kind = commands[i]["kind"]
        if kind == CommandKind.CANCEL or kind == CommandKind.REPLACE:
            row = hint_at(book, i - first)
            row["order"] = request_at(book, row["named"])["order_index"]
            prefetch(link_at(book, row["order"]))
            prefetch(order_at(book, row["order"]))
        elif kind == CommandKind.NEW_ORDER and free > 0:
            index = free_at(book, free)["row"]
            prefetch(link_at(book, index))
            prefetch(order_at(book, index))
            free -= 1


@kernel
def hint_tails(book, commands, first, last):
    """Ask for the last order of the queue that each new order will join."""
    instruments = header_of(book)["instruments_rows"]
    for i in range(first, last):
        command = commands[i]
        if command["kind"] == CommandKind.NEW_ORDER and command["instrument"] < instruments:
            instrument = instrument_at(book, command["instrument"])
            if instrument["defined"] != 0:
                tick = product_at(book, instrument["product"])["tick"]
                level = (command["price"] - instrument["base_price"]) // tick
                if level >= 0 and level < instrument["level_count"]:
                    tail = level_at(book, level + instrument["level_first"])["tail"]
                    prefetch(order_at(book, tail))


@kernel
def hint_neighbours(book, commands, first, last):
    """Ask for the neighbours of the orders named, in their queues and lists."""
    for i in range(first, last):
        kind = commands[i]["kind"]
        if kind == CommandKind.CANCEL or kind == CommandKind.REPLACE:
            index = hint_at(book, i - first)["order"]
            order = order_at(book, index)
            link = link_at(book, index)
            prefetch(order_at(book, order["queue_prev"]))
            prefetch(order_at(book, order["queue_next"]))
            prefetch(link_at(book, link["own_prev"]))
            prefetch(link_at(book, link["own_next"]))
            prefetch(link_at(book, link["session_prev"]))
            prefetch(link_at(book, link["session_next"]))

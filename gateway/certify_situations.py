"""The situations of `sitex certify`: trading first, then what a session must live through.

Each is a coroutine over an Examiner (gateway/certify.py). Source: specs/order_entry.md O-173.
"""

from __future__ import annotations

import asyncio

from gateway.certify import (
    CUT,
    HEARTBEAT_MAX_S,
    LOGOUT,
    PART,
    QTY,
    WAIT,
    Examiner,
    NotAsItMustBe,
    Situation,
)

REVOKED = "cancelled by the venue when the line was lost"


async def logon(exam: Examiner) -> None:
    """A Logon with a usable HeartBtInt; a TestRequest is answered."""
    interval_s = _interval_s(exam)
    if not 0 < interval_s <= HEARTBEAT_MAX_S:
        raise NotAsItMustBe(f"HeartBtInt (108) of 1 to {HEARTBEAT_MAX_S} s is needed here")
    exam.tell(WAIT, "Nothing to do: the venue sends a TestRequest")
    await exam.answers_a_test()


async def accepted(exam: Examiner) -> None:
    """An order rests, and is cancelled."""
    order = await exam.resting()
    request = await exam.cancel(order)
    await exam.report("the cancel is taken", t35="8", t150="4", t11=request[11], t41=order[11])


async def partial_fills(exam: Examiner) -> None:
    """Two fills make an order complete."""
    order = await exam.resting()
    for qty, status in ((PART, "1"), (QTY - PART, "2")):
        await exam.trade(qty)
        await exam.report(f"a fill of {qty}", t35="8", t150="F", t39=status, t11=order[11])


async def cancel_of_the_rest(exam: Examiner) -> None:
    """What a partial fill has left is cancelled."""
    order = await exam.resting()
    await exam.trade(PART)
    await exam.report(f"a fill of {PART}", t35="8", t150="F", t39="1", t11=order[11])
    request = await exam.cancel(order)
    await exam.report("the rest is cancelled", t150="4", t11=request[11], t14=str(PART))


async def rejected(exam: Examiner) -> None:
    """An order beyond the daily limit is refused; the client lives with it."""
    order = await exam.order(price=exam.above)
    await exam.report("the order is refused", t35="8", t150="8", t11=order[11])


async def replaced(exam: Examiner) -> None:
    """A quantity is changed, then what was changed is cancelled under its new ClOrdID."""
    order = await exam.resting()
    change = await exam.replace(order, QTY + 2)
    if change[11] == order[11]:
        raise NotAsItMustBe("the replace request has the ClOrdID of the order: 11 must be new")
    await exam.report("the replace is taken", t35="8", t150="5", t11=change[11], t41=order[11])
    request = await exam.cancel(change)
    await exam.report("the cancel is taken", t35="8", t150="4", t11=request[11])


async def cancel_race(exam: Examiner) -> None:
    """The order is filled before its cancel arrives: OrderCancelReject."""
    order = await exam.resting()
    exam.tap().holds = True
    request = await exam.cancel(order)
    await exam.trade(QTY)
    exam.tap().release()
    await exam.report("the fill", t35="8", t150="F", t39="2", t11=order[11])
    await exam.report("the cancel comes too late", t35="9", t11=request[11], t434="1")


async def replace_race(exam: Examiner) -> None:
    """A part is filled before the replace arrives: the new total counts what was filled."""
    order = await exam.resting()
    exam.tap().holds = True
    change = await exam.replace(order, QTY - 2)
    await exam.trade(PART)
    exam.tap().release()
    await exam.report("the fill", t35="8", t150="F", t11=order[11], t32=str(PART))
    left = str(QTY - 2 - PART)
    await exam.report("the replace is taken", t150="5", t11=change[11], t151=left)
    request = await exam.cancel(change)
    await exam.report("the cancel is taken", t35="8", t150="4", t11=request[11])


async def gap(exam: Examiner) -> None:
    """A message is lost on the way: the client asks for it and goes on."""
    exam.tell(WAIT, "Nothing to do: a message of the venue's is lost")
    number = exam.venue.lose_message()
    exam.venue.ask_test("AFTER-A-GAP")
    request = await exam.message("ResendRequest", "2", t7=str(number))
    if request.get(16) not in ("0", str(number), str(number + 1)):
        raise NotAsItMustBe(f"16={request.get(16)} in the ResendRequest: 0 or the last one missing")


async def resend(exam: Examiner) -> None:
    """The venue asks for an order again: it comes as a possible duplicate, or is gap-filled."""
    order = await exam.resting(tif="1")
    exam.tell(WAIT, "Nothing to do: the venue asks for the order again")
    number = order[34]
    exam.venue.ask_resend(int(number), int(number))
    for kind, what in (("D", "the order"), ("4", "a gap fill")):
        try:
            again = await exam.message(what, kind, exam.timeout_s / 2, t43="Y", t34=number)
        except NotAsItMustBe:
            if exam.complaint or kind == "4":
                raise
            continue
        break
    if kind == "D" and (again.get(11) != order[11] or again.get(122) is None):
        raise NotAsItMustBe("the resent order has another ClOrdID, or no OrigSendingTime (122)")
    if kind == "4" and again.get(123) != "Y":
        raise NotAsItMustBe("a SequenceReset without GapFillFlag (123=Y) answers a ResendRequest")
    request = await exam.cancel(order)
    await exam.report("the cancel is taken", t35="8", t150="4", t11=request[11])


async def disconnect(exam: Examiner) -> None:
    """The line is lost, the order is filled meanwhile: the client comes back and learns of it."""
    order = await exam.resting(tif="1")
    exam.tap().cut()
    await exam.is_gone("the end of the line")
    await exam.trade(QTY)
    exam.forget()
    expected = exam.venue.party.next_out - 1
    back = await exam.comes_back()
    if back.get(789) is None:
        await exam.message("ResendRequest for the fill", "2", t7=str(expected))
    await exam.report("the fill again", t35="8", t43="Y", t150="F", t11=order[11])


async def silence(exam: Examiner) -> None:
    """The venue falls silent: TestRequest, then the client ends the line and comes back."""
    interval_s = _interval_s(exam)
    exam.tell(WAIT, f"Nothing to do for {3 * interval_s} s: the venue falls silent")
    tap = exam.tap()
    tap.muted = True
    limit_s = 2.5 * interval_s + 2
    await exam.message("TestRequest after a silence of HeartBtInt and a margin", "1", limit_s)
    await exam.is_gone_within("the client ends a line on which nothing answers", limit_s)
    await exam.comes_back()


async def heartbeats(exam: Examiner) -> None:
    """The client says Heartbeat when it has nothing else to say."""
    interval_s = _interval_s(exam)
    exam.tell(WAIT, f"Nothing to do for {2 * interval_s} s: Heartbeats are counted")
    await exam.message("Heartbeat", "0", 1.5 * interval_s + 1)
    await exam.message("a second Heartbeat", "0", 1.5 * interval_s + 1)


async def sequence_reset(exam: Examiner) -> None:
    """The venue's numbers jump by SequenceReset: the client follows and asks for nothing."""
    exam.tell(WAIT, "Nothing to do: the venue sends a SequenceReset")
    number = exam.venue.reset_higher(10)
    exam.forget()
    await exam.answers_a_test()
    if any(fields.get(35) == "2" for fields in exam.unread()):
        raise NotAsItMustBe(f"ResendRequest although SequenceReset said that {number} comes next")


async def cancel_on_disconnect(exam: Examiner) -> None:
    """The client's line breaks: its day orders are cancelled and it hears of it afterwards."""
    options = exam.venue.party.options
    if options.cancel_on_disconnect == "off":
        exam.tell(WAIT, "Nothing to do: this session has no cancel on disconnect")
        return
    order = await exam.resting()
    exam.tell(CUT, "Cut the connection without a Logout (kill the client, pull the cable)")
    await exam.is_gone("the end of the line, without a Logout")
    if any(fields.get(35) == "5" for fields in exam.unread()):
        raise NotAsItMustBe("the client logged out; a line that breaks was asked for")
    await asyncio.sleep(options.disconnect_grace_seconds)
    exam.forget()
    await exam.comes_back()
    await exam.report(REVOKED, t35="8", t43="Y", t150="4", t11=order[11])


async def venue_logs_out(exam: Examiner) -> None:
    """The venue says Logout: the client answers, and comes back."""
    exam.tell(WAIT, "Nothing to do: the venue logs out")
    exam.venue.log_out()
    await exam.message("Logout", "5")
    await exam.is_gone("the end of the line")
    exam.forget()
    await exam.comes_back()


async def logout(exam: Examiner) -> None:
    """The client logs out, its order stays, and it finds it after the next Logon."""
    order = await exam.resting(tif="1")
    exam.tell(LOGOUT, "Log out (Logout, then end the connection)")
    await exam.message("Logout", "5")
    await exam.is_gone("the end of the line")
    exam.forget()
    await exam.comes_back()
    request = await exam.cancel(order)
    await exam.report("the cancel is taken", t35="8", t150="4", t11=request[11])


def _interval_s(exam: Examiner) -> int:
    return int(exam.tap().session.interval_s)


SITUATIONS: list[Situation] = [
    (name, (play.__doc__ or "").strip(), play)
    for name, play in (
        ("logon", logon),
        ("accepted", accepted),
        ("partial-fills", partial_fills),
        ("cancel-of-the-rest", cancel_of_the_rest),
        ("rejected", rejected),
        ("replaced", replaced),
        ("cancel-race", cancel_race),
        ("replace-race", replace_race),
        ("gap", gap),
        ("resend", resend),
        ("disconnect", disconnect),
        ("sequence-reset", sequence_reset),
        ("cancel-on-disconnect", cancel_on_disconnect),
        ("venue-logs-out", venue_logs_out),
        ("logout", logout),
        ("heartbeats", heartbeats),
        ("silence", silence),
    )
]

// The operator's page: one picture a second, drawn where it differs from the last one.
import { clock, day, lots, setClass, setText } from "./format.js";

const INTERVAL_MS = 1000, PATIENCE_MS = 5000;
const by_id = (id) => document.getElementById(id);
const number = (value, digits = 0) => (value == null ? "-" : value.toLocaleString("en-US", {
  minimumFractionDigits: digits, maximumFractionDigits: digits }));
// name of the series, its title, how its newest value is written
const TILES = [
  ["commands", "Commands a second", (value) => number(value)],
  ["events", "Events a second", (value) => number(value)],
  ["messages_in", "FIX messages in a second", (value) => number(value)],
  ["messages_out", "FIX messages out a second", (value) => number(value)],
  ["journal_bytes", "Journal a second", (value) => (value == null ? "-" : bytes(value))],
  ["turn_wait_ms", "Longest wait for a turn", milliseconds],
  ["disk_wait_ms", "Longest wait for the disk", milliseconds],
  ["sent_p99_us", "Command to packet, p99", microseconds],
];

function bytes(value) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit += 1) value /= 1000;
  return `${number(value, unit && value < 100 ? 1 : 0)} ${units[unit]}`;
}

function milliseconds(value) {
  return value == null ? "-" : `${number(value, value < 10 ? 2 : 0)} ms`;
}

function microseconds(value) {
  if (value == null) return "-";
  return value < 1000 ? `${number(value)} µs` : milliseconds(value / 1000);
}

// Rows of a table's body: [class, [cell, class of the cell]...]; only what differs is touched.
function draw_rows(table, rows) {
  const body = table.tBodies[0];
  while (body.rows.length > rows.length) body.lastChild.remove();
  rows.forEach(([name, ...cells], at) => {
    const row = body.rows[at] ?? body.insertRow();
    setClass(row, name);
    cells.forEach(([text, kind = ""], column) => {
      const cell = row.cells[column] ?? row.insertCell();
      setText(cell, text);
      setClass(cell, kind);
    });
  });
}

function draw_facts(box, facts) {
  while (box.children.length > facts.length) box.lastChild.remove();
  facts.forEach(([name, text], at) => {
    if (!box.children[at]) {
      const pair = document.createElement("div");
      pair.append(document.createElement("dt"), document.createElement("dd"));
      box.append(pair);
    }
    setText(box.children[at].children[0], name);
    setText(box.children[at].children[1], text);
  });
}

function make_tiles() {
  for (const [name, title] of TILES) {
    const tile = document.createElement("div");
    tile.className = "tile";
    tile.dataset.name = name;
    tile.innerHTML = '<p></p><b></b><svg viewBox="0 0 119 24" preserveAspectRatio="none"'
      + ' aria-hidden="true"><polyline></polyline></svg>';
    tile.firstChild.textContent = title;
    by_id("tiles").append(tile);
  }
}

function draw_tiles(series) {
  for (const [name, , text] of TILES) {
    const tile = document.querySelector(`.tile[data-name="${name}"]`);
    const values = series[name] ?? [];
    setText(tile.children[1], text(values.at(-1)));
    const most = Math.max(...values.map((value) => value ?? 0), 1e-9);
    const first = 119 - (values.length - 1);
    const points = values.map((value, at) => `${first + at},${23 - 22 * (value ?? 0) / most}`);
    tile.querySelector("polyline").setAttribute("points", points.join(" "));
  }
}

function draw_sessions(sessions) {
  const wanted = by_id("filter").value.trim().toUpperCase();
  const shown = sessions.filter((one) => `${one.session} ${one.member}`.toUpperCase().includes(wanted));
  shown.sort((a, b) => (a.state === "AWAY") - (b.state === "AWAY"));
  draw_rows(by_id("sessions"), shown.map((one) => {
    const away = one.state === "AWAY";
    const also = ["tls", "resending", "killed", "disabled"].filter((word) => one[word]);
    const state = one.state.toLowerCase().replaceAll("_", " ");
    const some = (value) => (value ? "much" : "");
    return [away ? "away" : "", [one.session], [one.member],
      [one.address ? `${state} ${one.address}` : state], [lots(one.expected_in)], [lots(one.next_out)],
      [number(one.messages_in_per_second)], [number(one.messages_out_per_second)],
      [bytes(one.unread_bytes)], [bytes(one.unsent_bytes), some(one.unsent_bytes)],
      [lots(one.throttled), some(one.throttled)],
      [also.join(" "), one.killed || one.disabled ? "halted" : ""]];
  }));
}

function draw_market(groups) {
  draw_rows(by_id("market"), groups.map((one) => {
    const names = one.symbols.join(", ");
    const more = one.instruments > one.symbols.length ? ", ..." : "";
    const phase = one.reason ? `${one.phase} (${one.reason})` : one.phase;
    return ["", [one.product], [phase, one.halted ? "halted" : one.call ? "call" : ""],
      [one.until_ns ? clock(one.until_ns) : "-"], [lots(one.instruments)], [names + more]];
  }));
}

function draw_feed(feed) {
  setText(by_id("feed-state"), feed.state);
  setClass(by_id("feed-state"), `state ${feed.state === "synchronized" ? "good" : "bad"}`);
  draw_rows(by_id("lines"), ["A", "B"].map((name, line) => ["", [name], [lots(feed.packets[line])],
    [lots(feed.first[line])], feed.silent[line] ? ["silent", "halted"] : ["heard"]]));
  draw_rows(by_id("latencies"), [["to the packet", feed.sent], ["to this page's process", feed.heard]]
    .map(([name, one]) => ["", [name], [microseconds(one.p50_us)], [microseconds(one.p99_us)],
      [lots(one.samples)]]));
  draw_facts(by_id("feed-facts"), [
    ["session", String(feed.session)], ["message", lots(feed.sequence)],
    ["starts of the feed", lots(feed.starts)], ["snapshots", lots(feed.snapshots)],
    ["gaps", lots(feed.gaps)], ["duplicates", lots(feed.duplicates)],
    ["garbage", lots(feed.garbage)], ["inconsistent", lots(feed.inconsistent)],
  ]);
}

function draw(picture) {
  const { venue, problem } = picture;
  const halted = venue?.halted ?? "";
  setText(by_id("state"), problem ? "no answer" : halted ? "halted" : "running");
  setClass(by_id("state"), `state ${problem || halted ? "bad" : "good"}`);
  by_id("problem").hidden = !problem && !halted;
  setText(by_id("problem"), problem || (halted && `halted: ${halted}`));
  document.body.classList.toggle("old", Boolean(problem));
  draw_tiles(picture.series);
  draw_market(picture.groups);
  draw_feed(picture.feed);
  if (!venue) return;
  setText(by_id("day"), `venue day ${venue.venue_day}`);
  const speed = venue.clock_speed > 1 ? ` (${lots(venue.clock_speed)} times real time)` : "";
  setText(by_id("clock"), `${day(venue.venue_time_ns)} ${clock(venue.venue_time_ns)} UTC${speed}`);
  draw_sessions(venue.sessions);
  draw_facts(by_id("totals"), [
    ["sessions logged on", `${lots(venue.sessions_active)} of ${lots(venue.sessions.length)}`],
    ["connections", lots(venue.connections)], ["refused", lots(venue.connections_refused)],
    ["cut off", lots(venue.cut_off)], ["logons failed", lots(venue.logons_failed)],
    ["turned away", lots(venue.logons_turned_away)], ["commands", lots(venue.commands)],
    ["events", lots(venue.events)], ["journal", bytes(venue.journal_bytes)],
    ["not yet on the disk", bytes(venue.journal_bytes - venue.journal_durable_bytes)],
  ]);
}

let last = null;

async function look() {
  try {
    const answer = await fetch("picture", { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (answer.status === 401) throw new Error("the token is not this venue's: open the address it printed");
    if (answer.ok) {
      last = await answer.json();
      draw(last);
    }
  } catch (error) {
    setText(by_id("state"), "no connection");
    setClass(by_id("state"), "state bad");
    by_id("problem").hidden = false;
    setText(by_id("problem"), `This page's process does not answer: ${error.message}`);
    document.body.classList.add("old");
  }
  setTimeout(look, INTERVAL_MS);
}

by_id("filter").addEventListener("input", () => last?.venue && draw_sessions(last.venue.sessions));
by_id("theme").addEventListener("click", change_theme);
document.addEventListener("keydown", (event) => {
  if (event.target.matches("input") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") by_id("filter").focus();
  else if (event.key === "t") change_theme();
  else return;
  event.preventDefault();
});
make_tiles();
look();

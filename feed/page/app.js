// The market page: what is new is drawn once a frame of the screen, and only where it is seen.
import { Chart } from "./chart.js";
import { draw_curve } from "./curve.js";
import { Feed } from "./feed.js";
import { CALLS, EXPIRED, PHASES, clock, lots, percent, price, setClass, setText } from "./format.js";
import { Ladder } from "./ladder.js";
import { List } from "./list.js";
import { draw_trades } from "./trades.js";

const INTERVALS = [[1, "1m"], [5, "5m"], [15, "15m"], [60, "1h"], [1440, "1d"]];
const FAST_CLOCK = 10; // times real time; then longer candles are shown at first
const by_id = (id) => document.getElementById(id);

const feed = new Feed(changed);
const list = new List(by_id("list"), by_id("filter"), choose);
const ladder = new Ladder(feed, by_id("ladder-panel"));
const chart = new Chart(by_id("chart"), by_id("candle"));
const dirty = new Set(), dirty_rows = new Set();
let asked = decodeURIComponent(location.hash.slice(1));
let scheduled = false, chosen_interval = false, began = null;

function changed(name, kind) {
  if (kind === "forget") {
    list.forget();
    ladder.forget();
    began = null;
  }
  if (["definition", "status", "limits", "last", "best"].includes(kind)) dirty_rows.add(name);
  if (name === feed.symbol || name === feed.product || !name) dirty.add(kind || "state");
  if (kind === "queue") dirty.add("queue");
  if (!scheduled) {
    scheduled = true;
    requestAnimationFrame(draw);
  }
}

function draw() {
  scheduled = false;
  if (!feed.symbol) choose_first();
  for (const symbol of dirty_rows) list.draw(symbol, feed.views.get(symbol) ?? {}, feed.symbol);
  dirty_rows.clear();
  const has = (...kinds) => kinds.some((kind) => dirty.has(kind)) || dirty.has("all");
  const definition = feed.view(feed.symbol, "definition"), tick = definition?.tick ?? 1;
  if (has("state", "forget")) draw_state();
  if (has("depth", "last", "indicative", "definition", "forget", "queue")) ladder.draw();
  if (has("queue", "definition", "forget")) ladder.draw_marks();
  if (has("trades", "definition", "forget")) draw_trades(by_id("trades"), feed);
  if (has("candles", "definition")) chart.draw(in_order(feed.candles), tick, feed.minutes, feed.symbol);
  if (has("curve", "definition")) {
    const curve = feed.curves.get(feed.product);
    draw_curve(by_id("curve"), by_id("months"), by_id("shape"), curve, tick, feed.symbol);
  }
  if (has("statistics", "status", "limits", "settlement", "definition", "last")) draw_facts(tick);
  dirty.clear();
}

function in_order(candles) {
  return [...candles.values()].sort((a, b) => a.start_ns - b.start_ns);
}

function draw_state() {
  const state = by_id("state");
  setText(state, feed.state === "synchronized" ? "live" : feed.state);
  const bad = ["no connection", "stale"].includes(feed.state);
  setClass(state, feed.state === "synchronized" ? "state good" : bad ? "state bad" : "state");
}

function draw_facts(tick) {
  const { definition, statistics, status, limits, settlement } = feed.views.get(feed.symbol) ?? {};
  setText(by_id("symbol"), feed.symbol || "-");
  const until = status?.scheduled_end_ns ? ` until ${clock(status.scheduled_end_ns)}` : "";
  setText(by_id("phase"), status ? PHASES[status.status] + until : "");
  setClass(by_id("phase"), CALLS.has(status?.status) ? "call" : "");
  const facts = [];
  const traded = statistics?.trades > 0;
  const change = statistics?.last_trade_id && limits?.reference > 0
    ? ` (${percent(statistics.last / limits.reference - 1)})` : "";
  if (statistics?.last_trade_id) facts.push(["last", price(statistics.last, tick) + change]);
  if (traded) {
    for (const name of ["open", "high", "low"]) facts.push([name, price(statistics[name], tick)]);
    if (statistics.volume) {
      facts.push(["average", price(statistics.value / statistics.volume, tick)]);
    }
    facts.push(["volume", lots(statistics.volume)]);
  }
  if (limits) {
    facts.push(["limits", `${price(limits.low, tick)} - ${price(limits.high, tick)}`]);
    facts.push(["reference", price(limits.reference, tick)]);
  }
  if (settlement) {
    facts.push(["settled", price(settlement.price, tick)]);
    const open = status?.status === EXPIRED ? 0 : settlement.open_interest;
    if (!definition?.leg_1) facts.push(["open interest", lots(open)]);
  }
  const box = by_id("facts");
  while (box.children.length < facts.length) {
    const pair = document.createElement("div");
    pair.append(document.createElement("dt"), document.createElement("dd"));
    box.append(pair);
  }
  while (box.children.length > facts.length) box.lastChild.remove();
  facts.forEach(([name, text], at) => {
    setText(box.children[at].children[0], name);
    setText(box.children[at].children[1], text);
  });
  watch_clock(statistics);
}

// A venue clock that runs fast fills minutes in moments: then a quarter of an hour is shown.
function watch_clock(statistics) {
  if (!statistics?.time_ns || chosen_interval) return;
  const now = [performance.now(), statistics.time_ns / 1e6];
  began ??= now;
  const passed = now[0] - began[0];
  if (passed > 1500 && (now[1] - began[1]) / passed > FAST_CLOCK) set_interval(15);
}

function choose_first() {
  const first = feed.views.has(asked) ? asked : null;
  if (first) choose(first);
  else if (!asked || feed.views.size > 20) {
    const shown = ([, { best }]) => (best?.bid_qty && best?.ask_qty ? best.bid_qty + best.ask_qty : 0);
    const deepest = [...feed.views].filter(([, views]) => views.definition && !views.definition.leg_1)
      .sort((a, b) => shown(b) - shown(a))[0];
    if (deepest) choose(deepest[0]);
  }
}

function choose(symbol) {
  const before = feed.symbol;
  if (before === symbol) return;
  feed.follow(symbol);
  ladder.forget();
  asked = symbol;
  history.replaceState(null, "", `#${encodeURIComponent(symbol)}`);
  document.title = `${symbol} - sitex market`;
  for (const one of [before, symbol]) if (one) dirty_rows.add(one);
  changed("", "all");
  if (innerWidth <= 700 && before) show_tab("ladder-panel");
}

function set_interval(minutes) {
  chosen_interval = true;
  if (minutes !== feed.minutes) {
    feed.minutes = minutes;
    feed.follow_candles();
  }
  for (const button of by_id("intervals").children) {
    button.ariaPressed = String(Number(button.value) === minutes);
  }
}

function show_tab(id) {
  for (const panel of document.querySelectorAll(".panel")) {
    panel.classList.toggle("shown", panel.id === id);
  }
  for (const button of by_id("tabs").children) {
    button.ariaCurrent = String(button.dataset.tab === id);
  }
  changed("", "all");
}

function change_look() {
  change_theme();
  changed("", "all");
}

for (const [minutes, name] of INTERVALS) {
  const button = document.createElement("button");
  button.type = "button";
  button.value = minutes;
  button.textContent = name;
  button.ariaPressed = String(minutes === feed.minutes);
  button.addEventListener("click", () => set_interval(minutes));
  by_id("intervals").append(button);
}
by_id("tabs").addEventListener("click", (event) => {
  if (event.target.dataset.tab) show_tab(event.target.dataset.tab);
});
by_id("theme").addEventListener("click", change_look);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => changed("", "all"));
new ResizeObserver(() => changed("", "all")).observe(document.querySelector("main"));
document.addEventListener("keydown", (event) => {
  if (event.target.matches("input") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") by_id("filter").focus();
  else if (event.key === "t") change_look();
  else return;
  event.preventDefault();
});
show_tab("ladder-panel");
feed.connect();

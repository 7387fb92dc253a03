// Time and sales: the newest prints, busts struck out, corrections named.
import { BUY, SELL, clock, lots, price } from "./format.js";

const ROWS = 100;
const WORDS = { [BUY]: "buy", [SELL]: "sell", 0: "auction" };

export function draw_trades(table, feed) {
  const definition = feed.view(feed.symbol, "definition");
  const body = table.tBodies[0];
  if (!definition) {
    body.replaceChildren();
    return;
  }
  const busted = new Set(), corrected = new Map(), rows = [];
  for (const one of feed.prints) {
    if (one.type === "TradeBusted") busted.add(one.trade_id);
    else if (one.type === "TradeCorrected") {
      if (!corrected.has(one.trade_id)) corrected.set(one.trade_id, one.price);
    } else if (rows.length < ROWS) rows.push(one);
  }
  while (body.rows.length < rows.length) {
    const row = body.insertRow();
    for (let cell = 0; cell < 4; cell++) row.insertCell();
  }
  while (body.rows.length > rows.length) body.deleteRow(-1);
  rows.forEach((one, at) => fill(body.rows[at], one, definition.tick, busted, corrected));
}

function fill(row, one, tick, busted, corrected) {
  const key = `${one.trade_id}${busted.has(one.trade_id)}${corrected.get(one.trade_id)}`;
  if (row.dataset.key === key) return;
  row.dataset.key = key;
  const now = corrected.get(one.trade_id);
  const texts = [clock(one.time_ns), price(now ?? one.price, tick), lots(one.qty), WORDS[one.side]];
  texts.forEach((text, at) => { row.cells[at].textContent = text; });
  row.cells[1].className = one.side === BUY ? "up" : one.side === SELL ? "down" : "";
  row.className = busted.has(one.trade_id) ? "void" : "";
  row.title = busted.has(one.trade_id) ? "busted" : now === undefined ? "" : "corrected";
}

// The ladder: ten levels a side, depth as bars, the queue at a price, marked orders.
import { BUY, SELL, lots, price, setClass, setText } from "./format.js";

const LEVELS = 10;

export class Ladder {
  constructor(feed, panel) {
    this.feed = feed;
    this.body = panel.querySelector("#ladder").tBodies[0];
    this.marks = panel.querySelector("#marks");
    this.queue = panel.querySelector("#queue");
    this.orders = panel.querySelector("#queue-orders");
    this.chosen = null; // {side, price} whose queue is shown
    for (let i = 0; i < 2 * LEVELS + 1; i++) {
      const row = this.body.insertRow();
      if (i === LEVELS) {
        row.className = "middle";
        row.insertCell().colSpan = 5;
      } else {
        for (let cell = 0; cell < 5; cell++) row.insertCell();
      }
    }
    this.body.addEventListener("click", (event) => this.pick(event.target.closest("tr")));
    this.body.addEventListener("keydown", (event) => this.key(event));
    panel.querySelector("#mark-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const input = panel.querySelector("#public-id");
      this.mark(Number(input.value));
      input.value = "";
    });
  }

  forget() {
    this.chosen = null;
    this.queue.hidden = true;
  }

  pick(row) {
    if (!row?.dataset.price) return;
    this.chosen = { side: row.dataset.side, price: Number(row.dataset.price) };
    this.show_queue();
  }

  key(event) {
    const rows = [...this.body.rows].filter((row) => row.dataset.price);
    const at = rows.indexOf(event.target);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1 }[event.key];
    if (event.key === "Enter" || event.key === " ") this.pick(event.target);
    else if (next !== undefined) rows[Math.max(0, Math.min(next, rows.length - 1))]?.focus();
    else return;
    event.preventDefault();
  }

  async show_queue() {
    const { side, price: at } = this.chosen, symbol = this.feed.symbol;
    const path = `api/v1/orders/${encodeURIComponent(symbol)}?side=${side}&price=${at}&limit=200`;
    const answer = await fetch(path);
    if (!answer.ok || symbol !== this.feed.symbol) return;
    const tick = this.feed.view(symbol, "definition").tick, found = await answer.json();
    this.queue.hidden = false;
    const word = side === "buy" ? "Bid" : "Offered";
    setText(this.queue.querySelector("h3"),
      `${word} at ${price(at, tick)}, first in the queue first: choose an order to follow it`);
    this.orders.replaceChildren(...found.map((one) => {
      const item = document.createElement("li"), button = document.createElement("button");
      button.type = "button";
      button.textContent = `${one.public_id} · ${lots(one.qty)}`;
      button.ariaPressed = String(this.feed.queues.has(one.public_id));
      button.addEventListener("click", () => {
        if (this.feed.queues.has(one.public_id)) this.feed.unmark(one.public_id);
        else this.mark(one.public_id);
        button.ariaPressed = String(this.feed.queues.has(one.public_id));
      });
      item.append(button);
      return item;
    }));
  }

  mark(public_id) {
    if (this.feed.symbol && Number.isSafeInteger(public_id) && public_id > 0) {
      this.feed.mark(this.feed.symbol, public_id);
      this.draw_marks();
    }
  }

  draw() {
    const feed = this.feed, views = feed.views.get(feed.symbol) ?? {};
    const { definition, depth, last } = views;
    const bids = depth?.bids ?? [], asks = depth?.asks ?? [], tick = definition?.tick ?? 1;
    const most = Math.max(1, ...bids.map((row) => row[1]), ...asks.map((row) => row[1]));
    const marked = new Set([...feed.queues.values()].map((one) => `${one.side}/${one.price}`));
    for (let i = 0; i < LEVELS; i++) {
      this.level(this.body.rows[LEVELS - 1 - i], asks[i], SELL, tick, most, last, marked);
      this.level(this.body.rows[LEVELS + 1 + i], bids[i], BUY, tick, most, last, marked);
    }
    setText(this.body.rows[LEVELS].cells[0], this.middle(views, bids, asks, tick));
  }

  middle({ indicative }, bids, asks, tick) {
    if (indicative?.price) {
      const more = indicative.surplus;
      const rest = more ? `, ${lots(Math.abs(more))} more ${more > 0 ? "bid" : "offered"}` : "";
      const size = indicative.qty ? `, ${lots(indicative.qty)} lots${rest}` : "";
      return `auction would trade at ${price(indicative.price, tick)}${size}`;
    }
    if (!bids.length || !asks.length) return "";
    const ticks = Math.round((asks[0][0] - bids[0][0]) / tick);
    return `spread ${ticks} tick${ticks === 1 ? "" : "s"}`;
  }

  level(row, level, side, tick, most, last, marked) {
    const bid = side === BUY, cells = row.cells;
    if (!level) {
      for (const cell of cells) setText(cell, "");
      delete row.dataset.price;
      row.removeAttribute("tabindex");
      setClass(row, "");
      return;
    }
    const [at, qty, orders] = level;
    row.dataset.price = at;
    row.dataset.side = bid ? "buy" : "sell";
    row.tabIndex = 0;
    setText(cells[0], bid ? lots(orders) : "");
    setText(cells[1], bid ? lots(qty) : "");
    setText(cells[2], price(at, tick));
    setText(cells[3], bid ? "" : lots(qty));
    setText(cells[4], bid ? "" : lots(orders));
    cells[bid ? 1 : 3].style.setProperty("--share", `${(100 * qty) / most}%`);
    const traded = last?.trade_id && last.price === at ? " last" : "";
    const own = marked.has(`${side}/${at}`) ? " marked" : "";
    setClass(row, (bid ? "bid" : "ask") + traded + own);
  }

  draw_marks() {
    const feed = this.feed;
    const known = new Map([...this.marks.children].map((item) => [item.dataset.id, item]));
    for (const one of feed.queues.values()) {
      let item = known.get(String(one.public_id));
      known.delete(String(one.public_id));
      if (!item) {
        item = document.createElement("li");
        item.dataset.id = one.public_id;
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = "Forget";
        button.addEventListener("click", () => {
          feed.unmark(one.public_id);
          this.draw_marks();
        });
        item.append(document.createElement("span"), button);
        this.marks.append(item);
      }
      setText(item.firstChild, this.words(one));
    }
    for (const item of known.values()) item.remove();
  }

  words(one) {
    if (one.side === undefined) return `Order ${one.public_id}: asking`;
    if (!one.side) return `Order ${one.public_id} is not in the book`;
    const tick = this.feed.view(one.symbol, "definition")?.tick ?? 1;
    const before = one.orders_ahead
      ? `${lots(one.lots_ahead)} lots of ${lots(one.orders_ahead)} orders ahead`
      : "first in the queue";
    const word = one.side === BUY ? "bid" : "offered";
    return `Order ${one.public_id}: ${lots(one.qty)} ${word} at ${price(one.price, tick)}, ${before}`;
  }
}

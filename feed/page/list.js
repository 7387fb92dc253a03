// The contracts: symbol, last, change, phase, limits; grouped by product, chosen by mouse or keys.
import { CALLS, EXPIRED, PHASES, SHORT_PHASES, percent, price, setClass, setText } from "./format.js";

export class List {
  constructor(table, filter, choose) {
    this.body = table.tBodies[0];
    this.filter = filter;
    this.choose = choose;
    this.rows = new Map(); // symbol -> row
    this.body.addEventListener("click", (event) => this.pick(event.target.closest("tr")));
    this.body.addEventListener("keydown", (event) => this.key(event));
    filter.addEventListener("input", () => this.show());
    filter.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === "ArrowDown") this.visible()[0]?.focus();
      if (event.key === "Enter") this.pick(this.visible()[0]);
    });
  }

  forget() {
    this.body.replaceChildren();
    this.rows.clear();
  }

  visible() {
    return [...this.rows.values()].filter((row) => !row.hidden);
  }

  pick(row) {
    if (row?.dataset.symbol) this.choose(row.dataset.symbol);
  }

  key(event) {
    const rows = this.visible(), at = rows.indexOf(event.target);
    const steps = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 };
    if (event.key === "Enter" || event.key === " ") this.pick(event.target);
    else if (event.key in steps) rows[Math.max(0, Math.min(steps[event.key], rows.length - 1))]?.focus();
    else return;
    event.preventDefault();
  }

  show() {
    const wanted = this.filter.value.trim().toUpperCase();
    for (const [symbol, row] of this.rows) row.hidden = row.dead || !symbol.includes(wanted);
    for (const head of this.body.querySelectorAll(".group")) {
      head.hidden = !this.visible().some((row) => row.dataset.product === head.dataset.product);
    }
  }

  row(symbol, definition) {
    let row = this.rows.get(symbol);
    if (row) return row;
    row = document.createElement("tr");
    row.dataset.symbol = symbol;
    row.dataset.product = definition.product_code;
    row.dataset.order = `${definition.leg_1 ? 1 : 0}${definition.last_trading_date}${symbol}`;
    row.tabIndex = -1;
    for (let i = 0; i < 5; i++) row.insertCell();
    row.cells[0].textContent = symbol;
    this.rows.set(symbol, row);
    this.place(row);
    return row;
  }

  place(row) {
    const product = row.dataset.product;
    let head = [...this.body.querySelectorAll(".group")].find((one) => one.dataset.product === product);
    if (!head) {
      head = document.createElement("tr");
      head.className = "group";
      head.dataset.product = product;
      const cell = head.insertCell();
      cell.colSpan = 5;
      cell.textContent = product;
      this.body.append(head);
    }
    let before = head.nextSibling;
    while (before?.dataset.product === product && before.dataset.order < row.dataset.order) {
      before = before.nextSibling;
    }
    this.body.insertBefore(row, before);
  }

  draw(symbol, views, chosen) {
    const { definition, status, limits, last } = views;
    if (!definition) return;
    const row = this.row(symbol, definition), tick = definition.tick;
    const dead = status?.status === EXPIRED;
    if (row.dead !== dead) {
      row.dead = dead;
      this.show();
    }
    row.ariaSelected = String(symbol === chosen);
    row.tabIndex = symbol === chosen ? 0 : -1;
    const traded = last?.trade_id;
    setText(row.cells[1], traded ? price(last.price, tick) : "-");
    const change = traded && limits?.reference > 0 ? last.price / limits.reference - 1 : null;
    setText(row.cells[2], change === null ? "" : percent(change, 1));
    setClass(row.cells[2], change > 0 ? "up" : change < 0 ? "down" : "dim");
    setText(row.cells[3], SHORT_PHASES[status?.status] ?? "");
    setClass(row.cells[3], CALLS.has(status?.status) ? "call" : "dim");
    row.cells[3].title = PHASES[status?.status] ?? "";
    setText(row.cells[4], limits ? `${price(limits.low, tick)}–${price(limits.high, tick)}` : "");
    setClass(row.cells[4], "dim");
  }
}

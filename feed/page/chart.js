// Candles with volume on a canvas: own drawing, so that nothing has to be loaded from elsewhere.
import { clock, day, lots, places, price } from "./format.js";

const WIDTH = 9, GAP = 3, AXIS = 62, FOOT = 18;

export class Chart {
  constructor(canvas, note) {
    this.canvas = canvas;
    this.note = note;
    this.at = null; // the candle pointed at, counted from the newest
    canvas.addEventListener("pointermove", (event) => this.point(event.offsetX));
    canvas.addEventListener("pointerleave", () => this.move(null));
    canvas.addEventListener("blur", () => this.move(null));
    canvas.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: 1, ArrowRight: -1 }[event.key];
      if (step) this.move(Math.max(0, (this.at ?? -1) + step));
    });
  }

  draw(candles, tick, minutes, symbol) {
    this.last = [candles, tick, minutes, symbol];
    const { canvas } = this, scale = devicePixelRatio || 1;
    const width = canvas.clientWidth, height = canvas.clientHeight;
    if (!width || !height) return;
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
    }
    const to = canvas.getContext("2d");
    to.setTransform(scale, 0, 0, scale, 0, 0);
    to.clearRect(0, 0, width, height);
    const style = getComputedStyle(document.documentElement);
    this.colour = (name) => style.getPropertyValue(name).trim();
    to.font = "11px system-ui, sans-serif";
    const room = Math.max(1, Math.floor((width - AXIS) / WIDTH));
    this.shown = candles.slice(-room);
    if (!this.shown.length) {
      to.fillStyle = this.colour("--dim");
      to.textAlign = "center";
      to.fillText("no trades since this page's console started", width / 2, height / 2);
      this.describe(symbol);
      return;
    }
    this.frame(to, width, height, tick, minutes);
    this.describe(symbol);
  }

  frame(to, width, height, tick, minutes) {
    const low = Math.min(...this.shown.map((one) => one.low));
    const high = Math.max(...this.shown.map((one) => one.high));
    const pad = Math.max((high - low) * 0.06, tick);
    const bottom = height - FOOT, volumes = (bottom) * 0.2, floor = bottom - volumes - 6;
    const y = (value) => 6 + ((high + pad - value) / (high - low + 2 * pad)) * (floor - 6);
    this.grid(to, width, floor, low - pad, high + pad, tick, y);
    this.times(to, width, height, bottom, minutes);
    const most = Math.max(...this.shown.map((one) => one.volume), 1);
    this.shown.forEach((one, i) => {
      const x = this.x(i, width), up = one.close >= one.open;
      to.fillStyle = this.colour(up ? "--bid" : "--ask");
      const centre = Math.round(x + (WIDTH - GAP) / 2);
      to.fillRect(centre - 0.5, y(one.high), 1, Math.max(1, y(one.low) - y(one.high)));
      const top = y(Math.max(one.open, one.close)), end = y(Math.min(one.open, one.close));
      to.fillRect(x, top, WIDTH - GAP, Math.max(1, end - top));
      to.fillStyle = this.colour(up ? "--bid-soft" : "--ask-soft");
      const size = (one.volume / most) * volumes;
      to.fillRect(x, bottom - size, WIDTH - GAP, Math.max(size, one.volume ? 1 : 0));
    });
    this.price_line(to, width, tick, y);
    if (this.at !== null && this.at < this.shown.length) {
      to.fillStyle = this.colour("--dim");
      const i = this.shown.length - 1 - this.at;
      to.fillRect(Math.round(this.x(i, width) + (WIDTH - GAP) / 2) - 0.5, 0, 1, bottom);
    }
  }

  x(i, width) {
    return width - AXIS - (this.shown.length - i) * WIDTH;
  }

  grid(to, width, floor, low, high, tick, y) {
    const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5];
    const step = tick * (steps.find((one) => (high - low) / (one * tick) <= floor / 34) ?? 1e6);
    to.textAlign = "left";
    for (let value = Math.ceil(low / step) * step; value <= high; value += step) {
      to.fillStyle = this.colour("--line");
      to.fillRect(0, Math.round(y(value)), width - AXIS + 4, 1);
      to.fillStyle = this.colour("--dim");
      to.fillText(price(value, tick), width - AXIS + 9, y(value) + 4);
    }
  }

  times(to, width, height, bottom, minutes) {
    to.fillStyle = this.colour("--line");
    to.fillRect(0, bottom, width - AXIS + 4, 1);
    to.fillStyle = this.colour("--dim");
    to.textAlign = "center";
    const every = 10;
    for (let i = this.shown.length - 1; i >= 0; i -= every) {
      const x = this.x(i, width) + WIDTH / 2;
      if (x < 24 || x > width - AXIS - 12) continue;
      const start = this.shown[i].start_ns;
      to.fillText(minutes < 1440 ? clock(start).slice(0, 5) : day(start), x, height - 4);
    }
  }

  price_line(to, width, tick, y) {
    const close = this.shown.at(-1).close, at = Math.round(y(close));
    to.fillStyle = this.colour("--accent");
    for (let x = 0; x < width - AXIS + 4; x += 6) to.fillRect(x, at, 3, 1);
    const text = price(close, tick);
    to.fillRect(width - AXIS + 5, at - 8, to.measureText(text).width + 8, 16);
    to.fillStyle = this.colour("--panel");
    to.textAlign = "left";
    to.fillText(text, width - AXIS + 9, at + 4);
  }

  point(offset) {
    if (!this.shown?.length) return;
    const from_right = Math.floor((this.canvas.clientWidth - AXIS - offset) / WIDTH);
    this.move(from_right >= 0 && from_right < this.shown.length ? from_right : null);
  }

  move(at) {
    if (this.at === at) return;
    this.at = at;
    if (this.last) this.draw(...this.last);
  }

  describe(symbol) {
    const [, tick] = this.last, count = this.shown.length;
    const one = this.shown[count - 1 - Math.min(this.at ?? 0, count - 1)];
    const text = one
      ? `${day(one.start_ns)} ${clock(one.start_ns).slice(0, 5)}  open ${price(one.open, tick)}`
        + `  high ${price(one.high, tick)}  low ${price(one.low, tick)}`
        + `  close ${price(one.close, tick)}  ${lots(one.volume)} lots, ${lots(one.trades)} trades`
      : "";
    if (this.note.textContent !== text) this.note.textContent = text;
    this.canvas.ariaLabel = `Candles of ${symbol}, the ${this.at === null ? "newest" : "chosen"}: ${text}`;
    this.canvas.dataset.places = places(tick);
  }
}

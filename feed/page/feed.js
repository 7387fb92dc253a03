// The WebSocket: connects, connects again with back-off, subscribes, keeps the newest view of each kind.
const PAUSE_MS = 500, PAUSE_MAX_MS = 5000, SILENCE_MS = 4000;
const LISTED = ["definition", "status", "limits", "best", "last"];
const WATCHED = [...LISTED, "depth", "statistics", "settlement", "indicative", "trades"];
const PRINTS_KEPT = 200;

export class Feed {
  constructor(onChange) {
    this.onChange = onChange; // (symbol, kind) of what is new; ("", "state")
    this.symbol = "";
    this.minutes = 1;
    this.state = "connecting";
    this.pause = PAUSE_MS;
    this.forget();
  }

  forget() {
    this.views = new Map(); // symbol -> {kind: view}
    this.prints = []; // of the symbol, newest first
    this.missed = 0;
    this.curves = new Map(); // product code -> Curve
    this.queues = new Map(); // public id -> QueueAhead
    this.candles = new Map(); // start -> Candle, of the symbol
    this.product = "";
  }

  connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.socket = new WebSocket(`${scheme}://${location.host}/ws?interval_ms=100`);
    this.socket.onopen = () => this.opened();
    this.socket.onmessage = (event) => this.take(JSON.parse(event.data));
    this.socket.onclose = () => this.closed();
    this.watchdog();
  }

  // A connection that says nothing is none: frames come every second.
  watchdog() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.socket.close(), SILENCE_MS);
  }

  opened() {
    this.pause = PAUSE_MS;
    const marked = [...this.queues.values()];
    this.forget();
    this.send({ op: "subscribe", symbols: ["*"], kinds: LISTED });
    if (this.symbol) this.follow(this.symbol);
    for (const one of marked) this.mark(one.symbol, one.public_id);
    this.onChange("", "forget");
  }

  closed() {
    clearTimeout(this.timer);
    this.setState("no connection");
    setTimeout(() => this.connect(), this.pause);
    this.pause = Math.min(2 * this.pause, PAUSE_MAX_MS);
  }

  send(request) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(request));
  }

  setState(state) {
    if (this.state === state) return;
    this.state = state;
    this.onChange("", "state");
  }

  // Another contract: the one before is only listed from now on.
  follow(symbol) {
    if (this.symbol && this.symbol !== symbol) {
      this.send({ op: "unsubscribe", symbols: [this.symbol] });
      this.send({ op: "subscribe", symbols: [this.symbol], kinds: LISTED });
    }
    this.symbol = symbol;
    this.prints = [];
    this.missed = 0;
    this.candles = new Map();
    this.send({ op: "subscribe", symbols: [symbol], kinds: WATCHED });
    this.follow_candles();
    this.follow_curve();
  }

  follow_candles() {
    const symbol = this.symbol, minutes = this.minutes;
    this.candles = new Map();
    this.send({ op: "subscribe", symbols: [symbol], candle_minutes: minutes });
    const path = `api/v1/candles/${encodeURIComponent(symbol)}?minutes=${minutes}&limit=400`;
    fetch(path).then((answer) => (answer.ok ? answer.json() : [])).then((candles) => {
      if (symbol !== this.symbol || minutes !== this.minutes) return;
      const newer = this.candles;
      this.candles = new Map(candles.map((one) => [one.start_ns, one]));
      for (const [start, one] of newer) this.candles.set(start, one);
      this.onChange(symbol, "candles");
    }).catch(() => this.onChange(symbol, "candles"));
  }

  follow_curve() {
    const definition = this.view(this.symbol, "definition");
    if (!definition || definition.product_code === this.product) return;
    if (this.product) this.send({ op: "unsubscribe", products: [this.product] });
    this.product = definition.product_code;
    this.send({ op: "subscribe", products: [this.product] });
  }

  mark(symbol, public_id) {
    if (!this.queues.has(public_id)) this.queues.set(public_id, { symbol, public_id });
    this.send({ op: "mark", symbol, public_id });
  }

  unmark(public_id) {
    this.queues.delete(public_id);
    this.send({ op: "unmark", public_id });
    this.onChange(this.symbol, "queue");
  }

  view(symbol, kind) {
    return this.views.get(symbol)?.[kind];
  }

  take(frame) {
    this.watchdog();
    this.sequence = frame.sequence;
    this.setState(frame.state);
    for (const [name, kind, view] of frame.views) {
      this.take_view(name, kind, view);
      this.onChange(name, kind);
    }
  }

  take_view(name, kind, view) {
    if (kind === "trades") {
      if (name === this.symbol) this.prints.unshift(...view.reverse());
      this.prints.length = Math.min(this.prints.length, PRINTS_KEPT);
    } else if (kind === "missed") {
      this.missed += view;
    } else if (kind === "curve") {
      this.curves.set(name, view);
    } else if (kind === "candles") {
      if (name === this.symbol) for (const one of view) this.candles.set(one.start_ns, one);
    } else if (kind === "queue") {
      if (this.queues.has(view.public_id)) this.queues.set(view.public_id, { ...view, symbol: name });
    } else if (kind === "error") {
      console.warn(view);
    } else {
      if (!this.views.has(name)) this.views.set(name, {});
      this.views.get(name)[kind] = view;
      if (kind === "definition" && name === this.symbol) this.follow_curve();
    }
  }
}

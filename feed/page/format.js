// Prices, lots and times as text. Prices are integers in 1e-9, times nanoseconds UTC.
const SCALE = 1e9;

export const PHASES = {
  0: "-", 1: "continuous trading", 2: "halted", 3: "expired", 4: "closed", 5: "pre-open",
  6: "pre-open, no cancels", 7: "auction", 8: "volatility pause", 9: "closing call",
  10: "settlement",
};
// For a narrow column.
export const SHORT_PHASES = {
  ...PHASES, 1: "trading", 6: "no cancels", 8: "paused", 9: "closing",
};
export const CALLS = new Set([5, 6, 8, 9]);
export const EXPIRED = 3;
export const BUY = 49, SELL = 50;

// As many places as the tick has.
export function places(tick) {
  const rest = String(tick % SCALE).padStart(9, "0").replace(/0+$/, "");
  return tick % SCALE ? rest.length : 0;
}

export function price(value, tick) {
  return (value / SCALE).toFixed(places(tick));
}

export function lots(value) {
  return value.toLocaleString("en-US");
}

export function percent(share, digits = 2) {
  const sign = share > 0 ? "+" : "";
  return `${sign}${(100 * share).toFixed(digits)} %`;
}

export function clock(ns) {
  return new Date(ns / 1e6).toISOString().slice(11, 19);
}

export function day(ns) {
  return new Date(ns / 1e6).toISOString().slice(5, 10);
}

// The same element for the same text: the page changes only where the text does.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setClass(element, name) {
  if (element.className !== name) element.className = name;
}

// The futures curve: prices by month as a line, its shape in words, the roll of each month a year.
import { percent, price, setText } from "./format.js";

const SVG = "http://www.w3.org/2000/svg";
const SIDE = 34, TOP = 16, FOOT = 20;

function node(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function roll(ppm) {
  return ppm === null ? "" : percent(ppm / 1e6, 1);
}

// "Contango, +5.2 % a year from 2612 to 2712"
export function words(curve) {
  if (!curve?.shape) return "";
  const [first, last] = [curve.points[0], curve.points.at(-1)];
  const a_year = curve.roll_ppm === null ? "" : `, ${roll(curve.roll_ppm)} a year`;
  return `${a_year} from ${month(first)} to ${month(last)}`;
}

function month(point) {
  const text = String(point.maturity);
  return `${text.slice(0, 4)}-${text.slice(4)}`;
}

function time(point) {
  const text = String(point.last_trading_date);
  return Date.UTC(+text.slice(0, 4), +text.slice(4, 6) - 1, +text.slice(6));
}

export function draw_curve(svg, table, shape, curve, tick, symbol) {
  const points = curve?.points ?? [];
  shape.replaceChildren();
  if (curve?.shape) {
    const bold = document.createElement("b");
    bold.textContent = curve.shape;
    shape.append(bold, words(curve));
  }
  draw_table(table.tBodies[0], points, tick, symbol);
  const width = svg.clientWidth, height = svg.clientHeight;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("aria-label", `Futures curve: ${curve?.shape ?? ""}${words(curve)}`);
  svg.replaceChildren();
  if (points.length < 2 || !width) return;
  const prices = points.flatMap((one) => [one.price, one.settlement || one.price]);
  const low = Math.min(...prices), span = Math.max(...prices) - low || tick;
  const from = time(points[0]), length = time(points.at(-1)) - from || 1;
  const x = (one) => SIDE + ((time(one) - from) / length) * (width - 2 * SIDE);
  const y = (value) => TOP + (1 - (value - low) / span) * (height - TOP - FOOT - 4);
  const path = (value) => points.map((one) => `${x(one).toFixed(1)},${y(value(one)).toFixed(1)}`).join(" ");
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  svg.append(
    node("polyline", { points: path((one) => one.settlement || one.price), fill: "none",
      stroke: colour("--line"), "stroke-width": 2, "stroke-dasharray": "4 3" }),
    node("polyline", { points: path((one) => one.price), fill: "none", stroke: colour("--accent"),
      "stroke-width": 2 }),
  );
  let free = -Infinity; // where the next label has room
  points.forEach((one) => {
    const chosen = one.symbol === symbol;
    svg.append(node("circle", { cx: x(one), cy: y(one.price), r: chosen ? 5 : 3,
      fill: colour(chosen ? "--mark" : "--accent") }));
    const room = x(one) - free > 52;
    if (!room) return;
    free = x(one);
    svg.append(
      node("text", { x: x(one), y: y(one.price) - 8, "text-anchor": "middle", "font-size": 11,
        fill: colour(chosen ? "--mark" : "--ink") }, price(one.price, tick)),
      node("text", { x: x(one), y: height - 4, "text-anchor": "middle", "font-size": 11,
        fill: colour("--dim") }, month(one)),
    );
  });
}

function draw_table(body, points, tick, symbol) {
  while (body.rows.length < points.length) {
    const row = body.insertRow();
    for (let cell = 0; cell < 5; cell++) row.insertCell();
  }
  while (body.rows.length > points.length) body.deleteRow(-1);
  points.forEach((one, at) => {
    const cells = body.rows[at].cells;
    body.rows[at].className = one.symbol === symbol ? "chosen" : "";
    setText(cells[0], one.symbol);
    setText(cells[1], price(one.price, tick));
    setText(cells[2], one.source);
    setText(cells[3], one.settlement ? price(one.settlement, tick) : "");
    setText(cells[4], roll(one.roll_ppm));
    cells[4].className = one.roll_ppm > 0 ? "up" : one.roll_ppm < 0 ? "down" : "";
  });
}

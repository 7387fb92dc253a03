// A subscriber in JavaScript, without a package: node subscribe.js SYMBOL [GROUP:PORT] [HOST:PORT] [LAST]
// Line and recovery service as in specs/market_data.md; with LAST, SESSION:NUMBER, it prints the book after that message.
'use strict';
const [symbol, line = '239.255.73.1:30001', recovery = '127.0.0.1:30003', last] = process.argv.slice(2);
const [group, port] = line.split(':'), [host, tcpPort] = recovery.split(':'), [wanted, number] = (last || '').split(':');
const FLAGS = { 1: 9, 2: 9, 3: 8, 4: 12, 5: 12 }; // where a book's messages have their flags (F-12)
const INTEGERS = { 0xcc: ['UInt8', 1], 0xcd: ['UInt16BE', 2], 0xce: ['UInt32BE', 4], 0xcf: ['BigUInt64BE', 8],
                   0xd0: ['Int8', 1], 0xd1: ['Int16BE', 2], 0xd2: ['Int32BE', 4], 0xd3: ['BigInt64BE', 8] };
const symbols = new Map(), orders = new Map(); // a Map keeps its order: slices stand as they queue
let waiting = [], next = 0, session = 0n, version = 0, askedMs = 0, stream = Buffer.alloc(0);

function decode(b, at) { // one MessagePack value, and where the next one starts
  const type = b[at];
  if (type < 0x80 || type >= 0xe0) return [b.readInt8(at), at + 1];
  if (type >= 0xa0 && type < 0xc0) return [b.toString('utf8', at + 1, at + 1 + (type & 31)), at + 1 + (type & 31)];
  if (type === 0xdc || type >> 4 === 9) {
    const list = [], count = type === 0xdc ? b.readUInt16BE(at + 1) : type & 15;
    for (at += type === 0xdc ? 3 : 1; list.length < count; ) [list[list.length], at] = decode(b, at);
    return [list, at];
  }
  const [name, bytes] = INTEGERS[type], value = b['read' + name](at + 1);
  return [Number.isSafeInteger(Number(value)) ? Number(value) : value, at + 1 + bytes]; // exact, or a BigInt
}
function side(wanted, sign) { // [price, lots, orders] a level, best first
  const levels = new Map(), shown = [...orders.values()].filter((o) => o.side === wanted && symbols.get(o.instrument) === symbol);
  for (const o of shown) levels.set(o.price, (levels.get(o.price) || []).concat(o.qty));
  return [...levels].sort((a, b) => sign * (a[0] - b[0])).map(([price, qtys]) => [price, qtys.reduce((a, b) => a + b), qtys.length]);
}
function apply(m) {
  const [tag, , instrument, third, id] = m;
  if (tag === 1) orders.set(id, { instrument, side: third, price: m[5], qty: m[6] });
  else if (tag === 2) orders.get(id).qty = m[6];
  else if (tag === 3) orders.delete(id);
  else if (tag === 4 && m[7]) m[9] ? (orders.get(m[7]).qty = m[9]) : orders.delete(m[7]);
  else if (tag === 10) symbols.set(instrument, third);
  else if (tag === 14) [session, next, waiting] = [BigInt(m[4]), 0, []]; // a day ends: numbers begin again (F-34)
  else if (tag === 20) orders.clear();
}
function receive(b) { // a packet of the line or of the recovery service (F-2)
  const kind = b[3], of = b.readBigUInt64LE(8), messages = b.readUInt16LE(4) ? decode(b, 32)[0] : [];
  version = b[2];
  if (kind === 2) messages.forEach(apply);
  if (kind === 2 && messages.at(-1)[0] === 21) [session, next] = [of, Number(b.readBigUInt64LE(16)) + 1];
  if (kind === 1 && next && of > session) [session, next, waiting] = [of, 0, []]; // a day ended unheard: another picture
  if (kind === 1 && (!session || of === session)) waiting.push([Number(b.readBigUInt64LE(16)), messages]);
  for (let i; next && (i = waiting.findIndex(([first]) => first <= next)) >= 0; ) take(...waiting.splice(i, 1)[0]);
  if (waiting.length && Date.now() - askedMs > 500) ask(next ? [40, next, 20000] : [41, 0]); // a gap, or no picture yet
  if (last && next > number && session === BigInt(wanted)) process.exit(console.log(JSON.stringify({ bids: side(49, -1), asks: side(50, 1) })));
}
function take(first, messages) { // shown where an event ends, never half a sweep
  for (const m of messages.slice(next - first)) {
    apply(m);
    next++;
    if (!last && m[FLAGS[m[0]]] & 1) console.log(next - 1, 'bid', side(49, -1)[0], 'ask', side(50, 1)[0]);
  }
}
function ask(message) { // F-40
  const b = Buffer.alloc(36 + 9 * message.length);
  b.set([0x53, 0x58, version, 4, 1, 0, b.length]);
  b.set([0xdc, 0, 1, 0x90 | message.length], 32);
  message.forEach((value, i) => b.writeBigUInt64BE(BigInt(value), b.set([0xcf], 36 + 9 * i) || 37 + 9 * i));
  tcp.write(b, () => (askedMs = Date.now()));
}
const tcp = require('net').connect(tcpPort, host).on('data', (data) => {
  stream = Buffer.concat([stream, data]);
  for (let n; stream.length >= 32 && stream.length >= (n = stream.readUInt16LE(6)); stream = stream.subarray(n)) receive(stream.subarray(0, n));
});
const udp = require('dgram').createSocket({ type: 'udp4', reuseAddr: true }).on('message', receive);
udp.bind(port, group, () => udp.addMembership(group, '127.0.0.1'));

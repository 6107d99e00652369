// Where everything lies. Across: time, lanes, clients. Down: an elastic axis, as in the drawings for documents:
// moments keep their order, move down until their texts have room, and long silences become breaks.

const FONT = 'system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif';
const LABEL_FONT = `11px ${FONT}`;
const NAME_FONT = `600 12px ${FONT}`;
const MONO_FONT = "10.5px ui-monospace,Menlo,Consolas,monospace";
const HEAD = 30, LABEL = 13, TIP = 6, BAND = 5, BREAK = 38, CELL = 10, INSET = 3, BUCKET = 600;

const columns = { lanes: [], x: new Map(), order: new Map(), gap: 100, clients: [], clientOf: new Map(), right: 0, textWidth: 0, time: 62 };
const axis = { times: [], ys: [], breaks: [], bottom: 0, buckets: [], flight: 1000 };

const widths = new Map();
function widthOf(context, font, text) {
  const key = font + text;
  let width = widths.get(key);
  if (width === undefined) {
    context.font = font;
    width = context.measureText(text).width;
    widths.set(key, width);
  }
  return width;
}

function fitText(context, font, text, room) {
  if (widthOf(context, font, text) <= room) return text;
  let low = 1, high = text.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (widthOf(context, font, text.slice(0, middle) + "…") <= room) low = middle; else high = middle - 1;
  }
  return text.slice(0, low).trimEnd() + "…";
}

const SHORTER = [[/ commit \d+$/, ""], [/, try #\d+$/, ""], [/^AppendEntries/, "Append"], [/ \(\+\d+\)$/, ""]];
function fitLabel(context, text, room) {
  for (const [long, short] of SHORTER) {
    if (widthOf(context, LABEL_FONT, text) <= room) return text;
    text = text.replace(long, short);
  }
  return fitText(context, LABEL_FONT, text, room);
}

function layColumns(width) {
  columns.lanes = DATA.lanes.filter((lane) => visibleLane(lane.number));
  const clients = allClients.filter((client) => !choice.clientsOff.has(client));
  const narrow = width < 560;
  columns.time = narrow ? 46 : 66;
  const textWidth = narrow ? 0 : Math.max(84, Math.min(160, width * 0.1));
  const most = narrow ? 4 : Math.max(1, Math.min(6, Math.floor((width * 0.42) / textWidth)));
  const count = Math.min(clients.length, most);
  const each = narrow ? 13 : textWidth;
  const right = width - 6 - count * each - (count ? 12 : 0);
  columns.textWidth = textWidth;
  columns.clients = Array.from({ length: count }, (_, place) => ({
    x: right + 12 + place * each, members: clients.filter((_, index) => index % count === place), sublanes: 0,
  }));
  columns.clientOf = new Map(columns.clients.flatMap((column, place) => column.members.map((client) => [client, place])));
  columns.gap = (right - columns.time) / Math.max(1, columns.lanes.length);
  columns.right = right;
  const left = columns.time + columns.gap * (columns.lanes.length > 1 ? 0.44 : 0.5);
  columns.x = new Map(columns.lanes.map((lane, place) => [lane.number, left + columns.gap * place]));
  columns.order = new Map(columns.lanes.map((lane, place) => [lane.number, place]));
}

function wallX(m) {
  const first = columns.order.get(m.source), last = columns.order.get(m.target), step = last > first ? 1 : -1;
  for (let place = first; place !== last; place += step) {
    const a = columns.lanes[place].number, b = columns.lanes[place + step].number;
    if (walls.some((w) => w.begin <= m.end && m.end <= w.end && w.pairs.some(([s, t]) => s === a && t === b)))
      return (columns.x.get(a) + columns.x.get(b)) / 2 - step * 3;
  }
  return columns.x.get(m.target) - step * columns.gap / 2;
}

const pillHalves = new Map();

// The two ends of an arrow, and where its label begins.
function layMessage(context, m) {
  const source = columns.x.get(m.source), target = columns.x.get(m.target), side = target >= source ? 1 : -1;
  m.x1 = source + side * BAND;
  m.x2 = target - side * BAND;
  const self = m.source === m.target;
  if (self) m.x2 = source + BAND + 24;
  else if (m.fate === "dropped") m.x2 = source + side * columns.gap / 2;
  else if (m.fate === "blocked") m.x2 = wallX(m);
  const room = Math.max(50, columns.gap * (columns.lanes.length <= 3 ? 1 : 1.5) - 2 * BAND - 14);
  m.shown = m.label ? fitLabel(context, m.label, room) : "";
  const length = m.shown ? widthOf(context, LABEL_FONT, m.shown) : 0;
  if (self) m.labelX = m.x2 + 4;
  else if (m.fate === "dropped" || m.fate === "blocked") m.labelX = m.x2 - length / 2;
  else {
    const aside = 6 + (pillHalves.get(`${m.target} ${m.end}`) || 0); // what it causes is beside it
    m.labelX = side > 0 ? m.x2 - aside - length : m.x2 + aside;
  }
  m.labelX = Math.max(2, m.labelX);
  m.labelWidth = length;
}

const cellOf = (x) => Math.max(0, Math.floor(x / CELL));
const cellsOf = (left, right) => ({ low: cellOf(left + INSET), high: Math.max(cellOf(left + INSET), cellOf(right - INSET)) });

function layOperations() {
  const free = columns.clients.map(() => []), together = new Map();
  columns.clients.forEach((column) => { column.sublanes = 0; });
  for (const o of operations) {
    const place = columns.clientOf.get(o.client);
    if (place === undefined) continue;
    const key = `${o.client} ${o.begin} ${o.until} ${o.outcome}`; // sent and answered together: one interval
    let sublane = together.get(key);
    if (sublane === undefined) {
      sublane = 0;
      while ((free[place][sublane] ?? -1) > o.begin) sublane += 1;
      free[place][sublane] = o.until;
      together.set(key, sublane);
    }
    o.sublane = sublane;
    columns.clients[place].sublanes = Math.max(columns.clients[place].sublanes, sublane);
  }
  for (const column of columns.clients) column.step = !columns.textWidth || column.sublanes > 2 ? 5 : 8;
}

function operationLine(o) {
  const many = columns.clients[columns.clientOf.get(o.client)].members.length > 1;
  return (many ? `c${o.client} ` : "") + o.text;
}

// Claims: room for texts at moments. {at, low, high (cells) or slot, top, height, wide, thing, y}
function collectClaims(context) {
  const claims = [];
  pillHalves.clear();
  for (const s of states) {
    s.half = widthOf(context, `600 10.5px ${FONT}`, stateText(s)) / 2 + 6;
    pillHalves.set(`${s.lane} ${s.at}`, s.half);
  }
  for (const m of messages) {
    m.visible = visibleMessage(m);
    if (!m.visible) continue;
    layMessage(context, m);
    m.claim = null;
    if (m.end <= END && m.shown) {
      m.claim = { at: m.end, ...cellsOf(m.labelX, m.labelX + m.labelWidth), top: 2 - TIP + (m.fate === "dropped" ? 15 : 0), height: TIP + LABEL };
      claims.push(m.claim);
    }
  }
  for (const s of states) {
    if (!visibleLane(s.lane)) continue;
    const x = columns.x.get(s.lane);
    s.claim = { at: s.at, ...cellsOf(x - s.half, x + s.half), top: 3, height: 17 };
    claims.push(s.claim);
  }
  for (const p of points) {
    const wide = !laneOf.has(p.lane);
    if (!wide && !visibleLane(p.lane)) continue;
    p.claim = null;
    if (p.kind === "start" || p.kind === "pause" || p.kind === "resume") continue;
    const half = pillHalves.get(`${p.lane} ${p.at}`);
    const x = p.textX = wide ? 0 : columns.x.get(p.lane) + (half ? half + 6 : 10);
    if (!wide) p.shown = fitText(context, LABEL_FONT, p.text, Math.max(40, Math.min(columns.gap - 24, columns.right - x)));
    p.claim = wide ? { at: p.at, wide: true, top: 4, height: 20 }
      : { at: p.at, ...cellsOf(x, x + widthOf(context, LABEL_FONT, p.shown)), top: half ? 3 : -5, height: LABEL };
    claims.push(p.claim);
  }
  for (const w of walls) {
    const span = wallSpan(w);
    if (!span) continue;
    w.claim = { at: w.begin, ...cellsOf(span[0], span[1]), top: 2, height: LABEL + 2 };
    claims.push(w.claim);
  }
  for (const o of operations) {
    const place = columns.clientOf.get(o.client);
    if (place === undefined) continue;
    o.claim = o.answerClaim = null;
    if (!columns.textWidth) continue;
    o.claim = { at: o.begin, slot: place, top: -1, height: 13 };
    claims.push(o.claim);
    if (o.answered) claims.push(o.answerClaim = { at: o.end, slot: place, top: -9, height: 13 });
  }
  for (const s of sayings) {
    s.lines = wrapText(context, titleOf(s), columns.right - columns.time - 24);
    claims.push(s.claim = { at: s.at, wide: true, top: 6, height: 18 + 16 * s.lines.length });
  }
  return claims;
}

function wrapText(context, text, room) {
  const lines = [""];
  for (const word of text.split(/\s+/)) {
    const longer = lines[lines.length - 1] ? `${lines[lines.length - 1]} ${word}` : word;
    if (widthOf(context, `600 12.5px ${FONT}`, longer) > room && lines[lines.length - 1]) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}

const parted = (w, a, b) => w.pairs.some(([s, t]) => s === a && t === b) && w.pairs.some(([s, t]) => s === b && t === a);

// The lanes that a wall cuts off: the smaller side if it parts the nodes, else all that it touches.
function cutOff(w) {
  const numbers = columns.lanes.filter((lane) => lane.kind === "node").map((lane) => lane.number);
  const side = numbers.slice(0, 1);
  for (const number of side) for (const other of numbers) if (!side.includes(other) && !parted(w, number, other)) side.push(other);
  const rest = numbers.filter((number) => !side.includes(number));
  if (side.length && rest.length) return side.length < rest.length ? side : rest;
  return numbers.filter((number) => w.pairs.some((pair) => pair.includes(number)));
}

function wallSpan(w) {
  const xs = cutOff(w).map((number) => columns.x.get(number));
  if (!xs.length) return null;
  return [Math.max(columns.time + 2, Math.min(...xs) - columns.gap / 2 + 2), Math.min(columns.right, Math.max(...xs) + columns.gap / 2 - 2)];
}

function median(values) {
  if (!values.length) return 1000;
  values.sort((a, b) => a - b);
  return Math.max(1, values[values.length >> 1]);
}

function layAxis(claims) {
  const shown = messages.filter((m) => m.visible);
  axis.flight = median(shown.filter((m) => m.end > m.sent && m.end <= END).map((m) => m.end - m.sent));
  const byTime = new Map();
  const at = (time) => { let list = byTime.get(time); if (!list) byTime.set(time, (list = [])); return list; };
  at(0); at(END);
  for (const m of shown) { at(m.sent); if (m.end <= END) at(m.end); }
  for (const w of walls) { at(w.begin); at(Math.min(END, w.end)); }
  for (const o of operations) if (columns.clientOf.has(o.client)) { at(o.begin); if (o.answered) at(o.end); }
  for (const s of states) if (visibleLane(s.lane)) at(s.at);
  for (const claim of claims) at(claim.at).push(claim);
  const times = [...byTime.keys()].filter((time) => time <= END).sort((a, b) => a - b);
  axis.times = times;
  axis.ys = new Array(times.length);
  axis.breaks = [];
  if (choice.even) layEven(times, byTime); else layElastic(times, byTime);
  fillBuckets(shown);
}

function layEven(times, byTime) {
  const scale = 25 / axis.flight;
  times.forEach((time, place) => {
    axis.ys[place] = 14 + time * scale;
    for (const claim of byTime.get(time)) claim.dy = claim.top;
  });
  axis.bottom = 14 + END * scale + 40;
}

function layElastic(times, byTime) {
  const silence = Math.max(8000, 8 * axis.flight);
  const cells = new Float64Array(cellOf(columns.right) + 40).fill(-1000);
  const slots = new Float64Array(columns.clients.length).fill(-1000);
  const used = (claim) => {
    if (claim.slot !== undefined) return slots[claim.slot];
    let most = -1000;
    for (let cell = claim.low; cell <= claim.high && cell < cells.length; cell++) if (cells[cell] > most) most = cells[cell];
    return most;
  };
  let y = 14, lowest = 14;
  times.forEach((time, place) => {
    const claims = byTime.get(time);
    if (place) {
      const gap = time - times[place - 1];
      if (gap >= silence) {
        y = Math.max(y, lowest) + BREAK;
        axis.breaks.push({ begin: times[place - 1], end: time, place, back: BREAK / 2 });
      } else y += 3 + 22 * Math.min(1.5, gap / axis.flight) ** 0.6;
    }
    for (const claim of claims) if (!claim.wide) y = Math.max(y, used(claim) - claim.top);
    axis.ys[place] = y;
    lowest = Math.max(lowest, y);
    const here = y;
    for (const claim of claims) {
      if (claim.wide) continue;
      const top = Math.max(here + claim.top, used(claim)), end = top + claim.height;
      claim.dy = top - here;
      if (claim.slot !== undefined) slots[claim.slot] = end;
      else cells.fill(end, claim.low, claim.high + 1);
      lowest = Math.max(lowest, end);
    }
    for (const claim of claims) {
      if (!claim.wide) continue;
      const top = Math.max(y, lowest) + claim.top;
      claim.dy = top - here;
      y = lowest = top + claim.height;
    }
  });
  axis.bottom = lowest + 40;
}

// Messages by the stretch of the axis that they cross, so that a view finds its own quickly.
function fillBuckets(shown) {
  axis.buckets = Array.from({ length: Math.ceil(axis.bottom / BUCKET) + 1 }, () => []);
  for (const m of shown) {
    m.y1 = placeOf(m.sent);
    m.y2 = m.end > END ? axis.bottom : placeOf(m.end);
    for (let b = Math.floor(m.y1 / BUCKET); b <= Math.floor(m.y2 / BUCKET); b++) axis.buckets[b].push(m);
  }
}

// The place of a time on the axis, at zoom 1.
function placeOf(time) {
  const { times, ys } = axis;
  let low = 0, high = times.length;
  while (low < high) { const middle = (low + high) >> 1; if (times[middle] < time) low = middle + 1; else high = middle; }
  if (low >= times.length) return ys[ys.length - 1];
  if (times[low] === time || low === 0) return ys[low];
  return ys[low - 1] + ((ys[low] - ys[low - 1]) * (time - times[low - 1])) / (times[low] - times[low - 1]);
}

function timeAt(place) {
  const { times, ys } = axis;
  let low = 0, high = ys.length;
  while (low < high) { const middle = (low + high) >> 1; if (ys[middle] < place) low = middle + 1; else high = middle; }
  if (low >= ys.length) return END;
  if (low === 0 || ys[low] === ys[low - 1]) return times[low];
  return times[low - 1] + ((times[low] - times[low - 1]) * (place - ys[low - 1])) / (ys[low] - ys[low - 1]);
}

function layOut(context, width) {
  layColumns(width);
  layOperations();
  layAxis(collectClaims(context));
}

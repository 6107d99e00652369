// Draws what is in view, and remembers what it drew so that the pointer can find it.

const canvas = document.getElementById("canvas");
const context = canvas.getContext("2d");
const scroller = document.getElementById("scroller");
const sizer = document.getElementById("sizer");
const overview = document.getElementById("overview");

const view = { zoom: 1, width: 0, height: 0, chosen: null, hover: null, drawn: [] };
let colour = {};

function readColours() {
  const style = getComputedStyle(document.documentElement);
  colour = { role: {}, onRole: {} };
  for (const name of DATA.colours) colour[name] = style.getPropertyValue(`--${name}`).trim();
  DATA.roles.forEach((role, place) => {
    colour.role[role] = style.getPropertyValue(`--r${place}`).trim();
    colour.onRole[role] = style.getPropertyValue(`--t${place}`).trim() || colour.ink;
  });
}

const top0 = () => scroller.scrollTop;
const toScreen = (place) => place * view.zoom - top0() + HEAD;
const timeToScreen = (time) => toScreen(time > END ? axis.bottom : placeOf(time));

function sizeCanvas(element, width, height) {
  const ratio = window.devicePixelRatio || 1;
  if (element.width !== Math.round(width * ratio) || element.height !== Math.round(height * ratio)) {
    element.width = Math.round(width * ratio);
    element.height = Math.round(height * ratio);
  }
  element.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
}

function haloText(text, x, y, fill, font) {
  context.font = font;
  context.lineWidth = 3.5;
  context.lineJoin = "round";
  context.strokeStyle = colour.bg;
  context.strokeText(text, x, y);
  context.fillStyle = fill;
  context.fillText(text, x, y);
}

function line(x1, y1, x2, y2) {
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}

function pillShape(x, y, width, height, radius) {
  context.beginPath();
  context.roundRect(x, y, width, height, radius);
}

function draw() {
  view.drawn = [];
  sizeCanvas(canvas, view.width, view.height);
  canvas.style.height = `${view.height}px`;
  context.fillStyle = colour.bg;
  context.fillRect(0, 0, view.width, view.height);
  context.textBaseline = "alphabetic";
  const from = top0() / view.zoom - 40, to = (top0() + view.height) / view.zoom + 40;
  drawWalls(from, to);
  drawTimes(from, to);
  drawBands(from, to);
  drawOperations(from, to);
  const seen = drawMessages(from, to);
  drawBreaks(from, to);
  drawChosen();
  const labels = new Labels();
  drawPills(from, to, labels);
  drawPoints(from, to, labels);
  drawLabels(seen, labels);
  drawSayings(from, to);
  drawHead();
  drawOverview();
}

// Texts already placed, so that zoomed-out views leave texts away instead of heaping them up.
class Labels {
  constructor() { this.rows = new Map(); }
  take(x, y, width, height) {
    const { low, high } = cellsOf(x, x + width), first = Math.floor(y / 8), last = Math.floor((y + height - 1) / 8);
    for (let cell = low; cell <= high; cell++) for (let row = first; row <= last; row++) {
      const other = this.rows.get(cell * 100000 + row);
      if (other !== undefined && other[0] < y + height - 1 && other[1] > y + 1) return false;
    }
    for (let cell = low; cell <= high; cell++) for (let row = first; row <= last; row++) this.rows.set(cell * 100000 + row, [y, y + height]);
    return true;
  }
}

// Zoomed out so far that texts would cover the picture: only the great lines are drawn.
const crowded = () => view.zoom < 0.3 && !choice.even;
const CROWD_MAX = 4000;
const QUIET = new Set(["follower", "pre_candidate", "candidate", "down", "crashed"]);

function drawWalls(from, to) {
  for (const w of walls) {
    if (!w.claim || placeOf(w.begin) > to || placeOf(Math.min(END, w.end)) < from) continue;
    const y1 = timeToScreen(w.begin), y2 = w.end >= END ? toScreen(axis.bottom) : timeToScreen(w.end);
    context.globalAlpha = 0.12;
    context.fillStyle = colour.wall;
    for (const number of cutOff(w)) {
      const x = Math.max(columns.time + 2, columns.x.get(number) - columns.gap / 2);
      const right = Math.min(columns.right, columns.x.get(number) + columns.gap / 2);
      context.fillRect(x, y1, right - x, y2 - y1);
      view.drawn.push({ thing: w, box: [x, y1, right, y2], weak: true });
    }
    context.strokeStyle = colour.wall;
    context.lineWidth = 2.2;
    for (let place = 0; place + 1 < columns.lanes.length; place++) {
      const a = columns.lanes[place].number, b = columns.lanes[place + 1].number;
      const crossing = w.pairs.filter(([s, t]) => (s === a && t === b) || (s === b && t === a)).length;
      if (!crossing) continue;
      context.globalAlpha = crossing > 1 ? 0.75 : 0.5;
      context.setLineDash(crossing > 1 ? [] : [3, 4]);
      const x = (columns.x.get(a) + columns.x.get(b)) / 2;
      line(x, y1, x, y2);
    }
    context.setLineDash([]);
    context.globalAlpha = 1;
  }
}

function drawTimes(from, to) {
  let last = -100;
  context.strokeStyle = colour.line;
  context.lineWidth = 1;
  context.textAlign = "right";
  context.font = `10px ${FONT}`;
  const short = columns.time < 60;
  const write = (time, y) => {
    context.setLineDash([1, 4]);
    line(columns.time - 4, y, columns.right, y);
    context.fillStyle = colour.soft;
    context.fillText(END < 10000000 ? (time / 1000).toFixed(1) : (time / 1000000).toFixed(short ? 2 : 4), columns.time - 8, y + 3.5);
    last = y;
  };
  if (choice.even) {
    const perPixel = (1 / view.zoom) * (axis.flight / 25);
    let step = 1;
    for (const factor of niceSteps()) { step = factor; if (factor / perPixel >= 46) break; }
    const first = Math.max(0, Math.ceil(timeAt(Math.max(14, from)) / step) * step);
    for (let time = first; time <= END && timeToScreen(time) < view.height; time += step) write(time, timeToScreen(time));
  } else {
    for (let place = lowerBound(from); place < axis.times.length && axis.ys[place] <= to; place++) {
      const y = toScreen(axis.ys[place]);
      if (y - last >= 24) write(axis.times[place], y);
    }
  }
  context.setLineDash([]);
  context.textAlign = "left";
}

function* niceSteps() {
  for (let power = 1; power <= 1e9; power *= 10) yield* [power, 2 * power, 5 * power];
}

function lowerBound(place) {
  let low = 0, high = axis.ys.length;
  while (low < high) { const middle = (low + high) >> 1; if (axis.ys[middle] < place) low = middle + 1; else high = middle; }
  return low;
}

const statesByLane = new Map(DATA.lanes.map((lane) => [lane.number, states.filter((s) => s.lane === lane.number)]));

function drawBands(from, to) {
  for (const lane of columns.lanes) {
    const x = columns.x.get(lane.number), own = statesByLane.get(lane.number);
    if (!own.length) {
      context.strokeStyle = colour.soft;
      context.lineWidth = 1;
      line(x, Math.max(HEAD, toScreen(0)), x, Math.min(view.height, toScreen(axis.bottom)));
    }
    own.forEach((s, place) => {
      const next = own[place + 1];
      const begin = placeOf(s.at), end = next ? placeOf(next.at) : axis.bottom;
      if (begin > to || end < from) return;
      const y1 = Math.max(-20, toScreen(begin)), y2 = Math.min(view.height + 20, toScreen(end));
      if (gone(s.role)) {
        context.strokeStyle = colour.soft;
        context.setLineDash([2, 4]);
        context.lineWidth = 1.2;
        line(x, y1, x, y2);
        context.setLineDash([]);
      } else if (s.role === "paused") {
        context.strokeStyle = colour.soft;
        context.lineWidth = 1.5;
        for (let y = Math.ceil(y1 / 6) * 6; y < y2 - 5; y += 6) line(x - BAND, y + 5, x + BAND, y);
      } else {
        context.fillStyle = colour.role[s.role] || colour.line;
        context.fillRect(x - BAND, y1, 2 * BAND, y2 - y1);
      }
    });
  }
}

function drawOperations(from, to) {
  for (const o of operations) {
    const place = columns.clientOf.get(o.client);
    if (place === undefined) continue;
    const begin = placeOf(o.begin), end = o.until > END ? axis.bottom : placeOf(o.until);
    if (begin > to || end < from) continue;
    const column = columns.clients[place];
    const width = column.step > 5 ? 6 : 4;
    const x = column.x + o.sublane * column.step, y1 = toScreen(begin), y2 = Math.max(y1 + 3, toScreen(end));
    pillShape(x, Math.max(-50, y1), width, Math.min(view.height + 100, y2) - Math.max(-50, y1), 3);
    if (o.outcome === "info") {
      context.strokeStyle = colour.info;
      context.lineWidth = 1.2;
      context.setLineDash([3, 2]);
      context.stroke();
      context.setLineDash([]);
    } else {
      context.fillStyle = o.outcome === "fail" ? colour.fail : colour.ok;
      context.fill();
    }
    if (o.verdict || view.hover === o || view.chosen === o) {
      context.strokeStyle = o.verdict ? colour.red : colour.blue;
      context.lineWidth = 2;
      context.stroke();
    }
    view.drawn.push({ thing: o, box: [x - 2, y1, x + (columns.textWidth || width) - 2, y2], weak: !!columns.textWidth, core: [x - 2, y1, x + width + 2, y2] });
  }
  if (!columns.textWidth || crowded()) return;
  columns.clients.forEach((column, place) => {
    const beside = Math.min(6, column.sublanes) * column.step + 10, room = columns.textWidth - beside - 6;
    const rows = [];
    for (const o of operations) {
      if (columns.clientOf.get(o.client) !== place || !o.claim) continue;
      const begin = placeOf(o.begin);
      if (begin <= to && begin >= from) rows.push([toScreen(begin) + o.claim.dy, operationLine(o), o.verdict ? colour.red : colour.ink, o]);
      if (!o.answerClaim) continue;
      const end = placeOf(o.end);
      const mark = o.outcome === "ok" ? "→" : o.outcome === "fail" ? "✗" : "?";
      if (end <= to && end >= from) rows.push([toScreen(end) + o.answerClaim.dy, `${mark} ${o.verdict || o.reply || o.outcome}`, o.verdict ? colour.red : colour.soft, o]);
    }
    rows.sort((a, b) => a[0] - b[0]);
    let last = -100;
    for (const [y, text, fill] of rows) {
      if (y - last < 12) continue;
      haloText(fitText(context, MONO_FONT, text, room), column.x + beside, y + 10, fill, MONO_FONT);
      last = y;
    }
  });
}

function arrowPath(m, y1, y2) {
  context.moveTo(m.x1, y1);
  if (m.source === m.target) context.bezierCurveTo(m.x2 + 8, y1, m.x2 + 8, y2, m.x1, y2);
  else context.lineTo(m.x2, y2);
}

function drawMessages(from, to) {
  const seen = [], styles = new Map();
  const first = Math.max(0, Math.floor(from / BUCKET)), last = Math.min(axis.buckets.length - 1, Math.floor(to / BUCKET));
  view.stamp = (view.stamp || 0) + 1;
  for (let bucket = first; bucket <= last; bucket++) {
    for (const m of axis.buckets[bucket]) {
      if (m.stamp === view.stamp || m.y1 > to || m.y2 < from) continue;
      m.stamp = view.stamp;
      m.s1 = toScreen(m.y1);
      m.s2 = m.fate === "dropped" ? m.s1 + Math.min(15, 15 * view.zoom + 4) : toScreen(m.y2);
      seen.push(m);
      const key = `${m.routine ? 1 : 0}${m.duplicate ? 1 : 0}${m.delayed ? 1 : 0}`;
      if (!styles.has(key)) styles.set(key, []);
      styles.get(key).push(m);
    }
  }
  const every = crowded() ? Math.ceil(seen.length / CROWD_MAX) : 1; // in a crowd a sample gives the same grey
  for (const [key, whole] of styles) {
    const group = every > 1 ? whole.filter((m, place) => place % every === 0 || m === view.chosen) : whole;
    const faint = Math.min(1, Math.max(0.1, (500 * every) / seen.length));
    context.globalAlpha = faint * (key[0] === "1" ? 0.4 : key[1] === "1" ? 0.5 : 1);
    context.strokeStyle = colour.msg;
    context.lineWidth = crowded() ? 0.7 : key[1] === "1" ? 4 : 1.3;
    context.setLineDash(key[2] === "1" ? [6, 3] : []);
    context.beginPath();
    for (const m of group) arrowPath(m, m.s1, m.s2);
    context.stroke();
    if (key[1] === "1" && !crowded()) {
      context.globalAlpha = 1;
      context.strokeStyle = colour.bg;
      context.lineWidth = 1.4;
      context.beginPath();
      for (const m of group) arrowPath(m, m.s1, m.s2);
      context.stroke();
    }
  }
  context.setLineDash([]);
  context.globalAlpha = 1;
  for (const m of seen) if (m === view.chosen || m === view.hover) {
    context.strokeStyle = colour.blue;
    context.lineWidth = 2.6;
    context.beginPath();
    arrowPath(m, m.s1, m.s2);
    context.stroke();
  }
  if (!crowded()) for (const m of seen) drawTip(m);
  for (const m of seen) view.drawn.push({ thing: m, line: [m.x1, m.s1, m.x2, m.s2] });
  return seen;
}

function drawTip(m) {
  if (m.end > END || m.s2 < 0 || m.s2 > view.height + 10) return;
  const self = m.source === m.target, x = self ? m.x1 : m.x2, y = m.s2;
  const marked = m === view.chosen || m === view.hover;
  if (m.fate === "delivered") {
    const angle = self ? Math.PI : Math.atan2(y - m.s1, x - m.x1);
    context.globalAlpha = m.routine && !marked ? 0.45 : 1;
    context.fillStyle = marked ? colour.blue : colour.msg;
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(x - 8 * Math.cos(angle - 0.4), y - 8 * Math.sin(angle - 0.4));
    context.lineTo(x - 8 * Math.cos(angle + 0.4), y - 8 * Math.sin(angle + 0.4));
    context.fill();
    context.globalAlpha = 1;
    return;
  }
  context.strokeStyle = m.fate === "lost" ? colour.soft : colour.wall;
  context.globalAlpha = m.routine && !marked ? 0.5 : 1;
  context.lineWidth = 1.8;
  line(x - 4, y - 4, x + 4, y + 4);
  line(x - 4, y + 4, x + 4, y - 4);
  context.globalAlpha = 1;
}

function drawLabels(seen, labels) {
  const ready = seen.filter((m) => m.claim).map((m) => [m === view.chosen || m === view.hover ? -1e9 : m.s2 + (m.routine ? 1e7 : 0), m]);
  ready.sort((a, b) => a[0] - b[0]);
  for (const [order, m] of ready) {
    if (crowded() && order > -1e9) break;
    const y = toScreen(m.y2) + m.claim.dy + TIP;
    if (y < HEAD - 20 || y > view.height + 10 || !labels.take(m.labelX, y, m.labelWidth, LABEL)) continue;
    const fill = m === view.chosen || m === view.hover ? colour.blue : m.fate === "delivered" ? (m.routine ? colour.soft : colour.ink) : m.fate === "lost" ? colour.soft : colour.wall;
    haloText(m.shown, m.labelX, y + 10, fill, LABEL_FONT);
    view.drawn.push({ thing: m, box: [m.labelX, y, m.labelX + m.labelWidth, y + LABEL] });
  }
}

function drawPills(from, to, labels) {
  for (const s of states) {
    if (!s.claim || !visibleLane(s.lane)) continue;
    const place = placeOf(s.at);
    if (place < from || place > to || (crowded() && QUIET.has(s.role))) continue;
    const x = columns.x.get(s.lane), y = toScreen(place) + s.claim.dy;
    if (!labels.take(x - s.half, y, 2 * s.half, 17)) continue;
    const hollow = gone(s.role) || s.role === "paused";
    pillShape(x - s.half, y, 2 * s.half, 15, 7.5);
    context.fillStyle = hollow ? colour.bg : colour.role[s.role] || colour.line;
    context.fill();
    context.strokeStyle = s === view.chosen ? colour.blue : hollow ? colour.soft : colour.bg;
    context.lineWidth = s === view.chosen ? 2.4 : 1;
    context.stroke();
    context.font = `600 10.5px ${FONT}`;
    context.textAlign = "center";
    context.fillStyle = hollow ? colour.ink : colour.onRole[s.role];
    context.fillText(stateText(s), x, y + 11);
    context.textAlign = "left";
    view.drawn.push({ thing: s, box: [x - s.half, y, x + s.half, y + 15] });
  }
}

function drawPoints(from, to, labels) {
  for (const p of points) {
    if (!p.claim) continue;
    const place = placeOf(p.at);
    if (place < from || place > to) continue;
    const y = toScreen(place);
    if (p.claim.wide) {
      context.strokeStyle = colour.line;
      context.lineWidth = 1;
      const middle = y + p.claim.dy + 9;
      line(columns.time, middle, columns.right, middle);
      context.textAlign = "center";
      if (labels.take((columns.time + columns.right) / 2 - 50, middle - 6, 100, LABEL)) haloText(p.text, (columns.time + columns.right) / 2, middle + 3.5, colour.soft, LABEL_FONT);
      context.textAlign = "left";
      continue;
    }
    if (!visibleLane(p.lane) || (crowded() && p !== view.chosen)) continue;
    const x = columns.x.get(p.lane), bad = p.kind === "crash" || p.kind === "fatal";
    context.strokeStyle = bad ? colour.wall : colour.bg;
    context.lineWidth = bad ? 2 : 1;
    if (bad) { line(x - 6, y - 6, x + 6, y + 6); line(x - 6, y + 6, x + 6, y - 6); } else {
      context.fillStyle = p.kind === "commit" ? colour.ok : colour.ink;
      context.beginPath();
      if (p.kind === "commit") { context.moveTo(x, y - 5); context.lineTo(x + 5, y); context.lineTo(x, y + 5); context.lineTo(x - 5, y); context.closePath(); } else context.arc(x, y, 3.6, 0, 7);
      context.fill();
      context.stroke();
    }
    view.drawn.push({ thing: p, box: [x - 6, y - 6, x + 6, y + 6] });
    const width = widthOf(context, LABEL_FONT, p.shown), top = y + p.claim.dy;
    if (labels.take(p.textX, top, width, LABEL)) haloText(p.shown, p.textX, top + 10, bad ? colour.wall : p.kind === "commit" ? colour.ok : colour.soft, LABEL_FONT);
  }
}

function drawBreaks(from, to) {
  for (const one of axis.breaks) {
    const low = axis.ys[one.place] - BREAK, high = axis.ys[one.place];
    if (high < from || low > to || view.zoom < 0.4) continue;
    const y = toScreen(high - one.back);
    context.fillStyle = colour.bg;
    context.fillRect(columns.time, y - 9, columns.right - columns.time, 18);
    context.strokeStyle = colour.soft;
    context.globalAlpha = 0.6;
    context.lineWidth = 1;
    for (const offset of [-9, 9]) {
      context.beginPath();
      for (let x = columns.time; x <= columns.right; x += 6) context.lineTo(x, y + offset + (((x - columns.time) / 6) % 2 ? 2 : -2));
      context.stroke();
    }
    context.globalAlpha = 1;
    context.textAlign = "center";
    haloText(`${durationText(one.end - one.begin)} pass`, (columns.time + columns.right) / 2, y + 3.5, colour.soft, LABEL_FONT);
    context.textAlign = "left";
  }
}

function drawSayings(from, to) {
  const x = columns.time + 4, width = columns.right - x - 4;
  for (const s of sayings) {
    const place = placeOf(s.at);
    if (place > to || place + 400 < from) continue;
    const y = toScreen(place) + s.claim.dy, small = view.zoom < 0.8 && !choice.even;
    const height = small ? 6 : s.claim.height - 6;
    pillShape(x, y, width, height, 5);
    context.fillStyle = s.complaint ? colour.cry : colour.note;
    context.fill();
    context.strokeStyle = s.complaint ? colour.red : colour.blue;
    context.lineWidth = s === view.chosen ? 2.6 : 1.2;
    context.stroke();
    view.drawn.push({ thing: s, box: [x, y, x + width, y + height] });
    if (small) continue;
    context.fillStyle = colour.ink;
    s.lines.forEach((text, row) => {
      context.font = `${s.complaint ? "600 " : ""}12.5px ${FONT}`;
      context.fillStyle = s.complaint ? colour.red : colour.ink;
      context.fillText(text, x + 10, y + 17 + 16 * row);
    });
  }
}

// Where the reader stands.
function drawChosen() {
  if (view.now === undefined || !events[view.now]) return;
  const y = timeToScreen(events[view.now].at);
  context.strokeStyle = colour.blue;
  context.globalAlpha = 0.8;
  context.lineWidth = 1.2;
  line(0, y, view.width, y);
  context.globalAlpha = 1;
  context.fillStyle = colour.blue;
  context.beginPath();
  context.moveTo(0, y - 6);
  context.lineTo(8, y);
  context.lineTo(0, y + 6);
  context.fill();
}

function drawHead() {
  context.fillStyle = colour.bg;
  context.fillRect(0, 0, view.width, HEAD);
  context.strokeStyle = colour.line;
  context.lineWidth = 1;
  line(0, HEAD - 0.5, view.width, HEAD - 0.5);
  context.fillStyle = colour.soft;
  context.font = `10px ${FONT}`;
  context.fillText(END < 10000000 ? "ms" : columns.time < 60 ? "s" : "seconds", 8, 19);
  context.fillStyle = colour.ink;
  context.textAlign = "center";
  for (const lane of columns.lanes) {
    context.font = NAME_FONT;
    context.fillText(fitText(context, NAME_FONT, lane.name, columns.gap - 6), columns.x.get(lane.number), 19);
  }
  context.textAlign = "left";
  context.font = NAME_FONT;
  for (const column of columns.clients) {
    const many = column.members.length > 1;
    const name = columns.textWidth ? `client${many ? "s" : ""} ${column.members.join(", ")}` : column.members[0] + (many ? "…" : "");
    context.fillText(columns.textWidth ? fitText(context, NAME_FONT, name, columns.textWidth - 6) : name, column.x - (columns.textWidth ? 0 : 1), 19);
  }
}

// The strip at the right: the whole run, and where the view is.
const overviewScale = () => overview.clientHeight / axis.bottom;
const overviewCache = { key: "", image: null };

function paintOverview(paper, width, height, scale) {
  paper.fillStyle = colour.bg;
  paper.fillRect(0, 0, width, height);
  const each = (width - 8) / Math.max(1, columns.lanes.length);
  columns.lanes.forEach((lane, place) => {
    const own = statesByLane.get(lane.number);
    own.forEach((s, index) => {
      if (gone(s.role)) return;
      const y1 = placeOf(s.at) * scale, y2 = (own[index + 1] ? placeOf(own[index + 1].at) : axis.bottom) * scale;
      paper.fillStyle = s.role === "paused" ? colour.line : colour.role[s.role];
      paper.fillRect(4 + place * each + 1, y1, each - 2, Math.max(0.6, y2 - y1));
    });
  });
  paper.fillStyle = colour.wall;
  for (const w of walls) {
    const y1 = placeOf(w.begin) * scale, y2 = (w.end >= END ? axis.bottom : placeOf(w.end)) * scale;
    paper.globalAlpha = 0.22;
    for (const number of cutOff(w)) paper.fillRect(4 + columns.order.get(number) * each, y1, each, Math.max(1, y2 - y1));
  }
  paper.globalAlpha = 1;
  for (const s of sayings) {
    const y = (placeOf(s.at) + (s.claim ? s.claim.dy : 0)) * scale;
    paper.fillStyle = s.complaint ? colour.red : colour.blue;
    paper.fillRect(0, y - (s.complaint ? 1.5 : 1), width, s.complaint ? 3 : 2);
  }
}

function drawOverview() {
  const width = overview.clientWidth, height = overview.clientHeight, paper = overview.getContext("2d");
  sizeCanvas(overview, width, height);
  const key = `${width}x${height} ${layouts} ${colour.bg}`;
  if (overviewCache.key !== key) {
    overviewCache.key = key;
    overviewCache.image = document.createElement("canvas");
    sizeCanvas(overviewCache.image, width, height);
    paintOverview(overviewCache.image.getContext("2d"), width, height, overviewScale());
  }
  if (!width || !height) return;
  paper.drawImage(overviewCache.image, 0, 0, width, height);
  const scale = overviewScale() / view.zoom, y = top0() * scale, length = Math.max(6, (view.height - HEAD) * scale);
  paper.strokeStyle = colour.ink;
  paper.lineWidth = 1.5;
  paper.fillStyle = colour.ink;
  paper.globalAlpha = 0.08;
  paper.fillRect(1, y, width - 2, length);
  paper.globalAlpha = 1;
  paper.strokeRect(1, y + 0.75, width - 2, length - 1.5);
}

let layouts = 0, asked = false;
function redraw() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => { asked = false; draw(); });
}

// What the reader does: step, jump, filter, zoom, move; and the words beside the picture.

const by = (id) => document.getElementById(id);
const HEIGHT_MAX = 6000000;

function relayout(keep = true) {
  const anchor = keep ? timeAt((top0() + view.height / 3) / view.zoom) : 0;
  view.width = scroller.clientWidth;
  view.height = scroller.clientHeight;
  layOut(context, view.width);
  layouts += 1;
  const chosen = events[view.now];
  listEvents();
  if (chosen) {
    const same = events.findIndex((event) => event.thing === chosen.thing && event.at === chosen.at);
    view.now = same >= 0 ? same : Math.max(0, events.findIndex((event) => event.at >= chosen.at));
  }
  setZoom(view.zoom, false);
  if (keep) scroller.scrollTop = placeOf(anchor) * view.zoom - view.height / 3;
  tell();
  redraw();
}

const zoomLeast = () => Math.min(1, (view.height - HEAD) / axis.bottom);

function setZoom(zoom, around = true, screenY = view.height / 2) {
  const place = (top0() + screenY - HEAD) / view.zoom;
  view.zoom = Math.max(zoomLeast(), Math.min(zoom, 40, HEIGHT_MAX / axis.bottom));
  sizer.style.height = `${Math.max(0, axis.bottom * view.zoom + HEAD - view.height)}px`;
  if (around) scroller.scrollTop = place * view.zoom - screenY + HEAD;
  redraw();
}

// On a phone the words lie over the lower part of the picture.
function covered() {
  const words = document.querySelector(".now").getBoundingClientRect(), box = scroller.getBoundingClientRect();
  const beside = words.right <= box.left || words.left >= box.right;
  return beside ? 0 : Math.max(0, Math.min(view.height * 0.7, box.bottom - words.top));
}

function show(event) {
  const y = placeOf(Math.min(END, event.at)) * view.zoom, height = view.height - covered();
  const from = top0() + 40, to = top0() + height - HEAD - Math.min(110, height * 0.4);
  if (y < from || y > to) scroller.scrollTop = y - (height - HEAD) * 0.38;
}

function go(index, scroll = true) {
  if (!events.length) return;
  view.now = Math.max(0, Math.min(events.length - 1, index));
  view.chosen = events[view.now].thing;
  if (scroll) show(events[view.now]);
  tell();
  redraw();
}

function goTo(thing, at) {
  let index = events.findIndex((event) => event.thing === thing && (at === undefined || event.at === at));
  if (index < 0) index = events.findIndex((event) => event.at >= (at ?? thing.at ?? thing.sent ?? thing.begin));
  if (index >= 0) go(index);
}

// The next event below the top of the view, when the reader has scrolled away from where he stood.
function step(by_) {
  if (view.now === undefined) return go(by_ > 0 ? 0 : events.length - 1);
  return go(view.now + by_);
}

function rows(list, target) {
  target.replaceChildren(...list.flatMap(([name, value]) => {
    const term = document.createElement("dt"), detail = document.createElement("dd");
    term.textContent = name;
    detail.textContent = value;
    return [term, detail];
  }));
}

function tell() {
  const event = events[view.now];
  by("count").textContent = event ? `${(view.now + 1).toLocaleString("en")} of ${events.length.toLocaleString("en")}` : `– of ${events.length.toLocaleString("en")}`;
  by("prev").disabled = !event || view.now === 0;
  by("next").disabled = !!event && view.now === events.length - 1;
  if (!event) {
    by("when").textContent = "";
    by("words").textContent = "Step through the run with the buttons or with ← and →; point at anything to see what it holds.";
    by("fields").replaceChildren();
    by("near").replaceChildren();
    return;
  }
  const before = events[view.now - 1];
  by("when").textContent = timeText(event.at) + (before && event.at > before.at ? `, ${durationText(event.at - before.at)} later` : "");
  by("words").textContent = event.words;
  rows(fieldsOf(event.thing), by("fields"));
  const first = Math.max(0, view.now - 4), near = events.slice(first, view.now + 8);
  by("near").replaceChildren(...near.map((one, offset) => {
    const item = document.createElement("li"), button = document.createElement("button");
    const time = document.createElement("time"), words = document.createElement("span");
    time.textContent = timeText(one.at);
    words.textContent = one.words;
    button.append(time, words);
    if (first + offset === view.now) { button.className = "here"; button.setAttribute("aria-current", "step"); }
    button.onclick = () => go(first + offset);
    item.append(button);
    return item;
  }));
}

// -- the pointer

function distance([x1, y1, x2, y2], x, y) {
  const dx = x2 - x1, dy = y2 - y1, length = dx * dx + dy * dy || 1;
  const share = Math.max(0, Math.min(1, ((x - x1) * dx + (y - y1) * dy) / length));
  return Math.hypot(x - x1 - share * dx, y - y1 - share * dy);
}

function find(x, y, reach) {
  if (y < HEAD) return null;
  const inside = ([left, top, right, bottom]) => x >= left && x <= right && y >= top && y <= bottom;
  let best = null, least = reach, weak = null;
  for (const one of view.drawn) {
    if (one.line) {
      const away = distance(one.line, x, y);
      if (away < least) { least = away; best = one.thing; }
    } else if (inside(one.box)) {
      if (!one.weak || (one.core && inside(one.core))) { best = one.thing; least = 0; } else weak = one.thing;
    }
  }
  return best || weak;
}

function showTip(thing, x, y) {
  const tip = by("tip");
  tip.hidden = !thing;
  if (!thing) return;
  const head = document.createElement("b"), list = document.createElement("dl");
  head.textContent = titleOf(thing);
  rows(fieldsOf(thing).slice(0, 14), list);
  tip.replaceChildren(head, list);
  const stage = tip.parentElement.getBoundingClientRect();
  tip.style.left = `${Math.max(4, Math.min(x + 14, stage.width - tip.offsetWidth - 8))}px`;
  tip.style.top = `${y + 16 + tip.offsetHeight > stage.height ? Math.max(4, y - tip.offsetHeight - 12) : y + 16}px`;
}

let drag = null;
scroller.addEventListener("pointerdown", (event) => {
  if (event.pointerType === "mouse" && event.button === 0) drag = { y: event.clientY, top: top0(), moved: false };
});
window.addEventListener("pointermove", (event) => {
  if (!drag) return;
  if (Math.abs(event.clientY - drag.y) > 3) { drag.moved = true; scroller.classList.add("drag"); }
  if (drag.moved) scroller.scrollTop = drag.top - (event.clientY - drag.y);
});
window.addEventListener("pointerup", () => {
  scroller.classList.remove("drag");
  setTimeout(() => { drag = null; });
});
scroller.addEventListener("pointermove", (event) => {
  if (event.pointerType !== "mouse" || (drag && drag.moved)) return;
  const box = scroller.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
  const thing = find(x, y, 5);
  scroller.classList.toggle("hit", !!thing);
  if (view.hover !== thing) { view.hover = thing; redraw(); }
  showTip(thing, x, y);
});
scroller.addEventListener("pointerleave", () => { view.hover = null; showTip(null); redraw(); });
scroller.addEventListener("click", (event) => {
  if (drag && drag.moved) return;
  const box = scroller.getBoundingClientRect();
  const y = event.clientY - box.top;
  const thing = find(event.clientX - box.left, y, event.pointerType === "touch" ? 14 : 6);
  if (!thing) return;
  let index = -1, least = Infinity;
  events.forEach((one, place) => {
    if (one.thing !== thing) return;
    const away = Math.abs(timeToScreen(one.at) - y);
    if (away < least) { least = away; index = place; }
  });
  if (index >= 0) go(index, false);
});
scroller.addEventListener("scroll", () => { if (!(drag && drag.moved)) showTip(null); redraw(); }, { passive: true });
scroller.addEventListener("wheel", (event) => {
  if (!event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  setZoom(view.zoom * Math.exp(-event.deltaY / 300), true, event.clientY - scroller.getBoundingClientRect().top);
}, { passive: false });

function overviewTo(event) {
  const share = (event.clientY - overview.getBoundingClientRect().top) / overview.clientHeight;
  scroller.scrollTop = share * axis.bottom * view.zoom - view.height / 2;
}
overview.addEventListener("pointerdown", (event) => { overview.setPointerCapture(event.pointerId); overviewTo(event); });
overview.addEventListener("pointermove", (event) => { if (event.buttons) overviewTo(event); });

// -- buttons, boxes and keys

let timer = 0;
function play(on) {
  clearInterval(timer);
  timer = on ? setInterval(() => { if (view.now >= events.length - 1) play(false); else step(1); }, 900) : 0;
  by("play").setAttribute("aria-pressed", String(!!timer));
  by("play").setAttribute("aria-label", timer ? "Stop" : "Play");
  by("play").textContent = timer ? "❚❚" : "▶▶";
}

const complaints = sayings.filter((saying) => saying.complaint);
function jump() {
  if (!complaints.length) return;
  const place = complaints.indexOf(view.chosen);
  if (view.zoom < 0.8) setZoom(1);
  goTo(complaints[(place + 1) % complaints.length]);
}

function check(parent, text, on, change) {
  const label = document.createElement("label"), box = document.createElement("input");
  label.className = "check";
  box.type = "checkbox";
  box.checked = on;
  box.addEventListener("change", () => { change(box.checked); relayout(); });
  label.append(box, document.createTextNode(` ${text}`));
  parent.append(label);
  return box;
}

const toggle = (off, key) => (on) => { if (on) off.delete(key); else off.add(key); };

function buildFilters() {
  for (const lane of DATA.lanes) check(by("lanes"), lane.name, true, toggle(choice.lanesOff, lane.number));
  for (const client of allClients) check(by("clients"), String(client), true, toggle(choice.clientsOff, client));
  by("clients-box").hidden = !allClients.length;
  const counts = new Map();
  for (const m of messages) counts.set(m.kind, (counts.get(m.kind) || 0) + 1);
  const boxes = [...counts].sort((a, b) => b[1] - a[1]).map(([kind, count]) => {
    const box = check(by("kinds"), `${kind} (${count.toLocaleString("en")})`, true, toggle(choice.kindsOff, kind));
    box.dataset.kind = kind;
    return box;
  });
  const all = (on) => () => {
    boxes.forEach((box) => { box.checked = on; toggle(choice.kindsOff, box.dataset.kind)(on); });
    relayout();
  };
  by("all").onclick = all(true);
  by("none").onclick = all(false);
}

function buildSayings() {
  const list = sayings.map((saying) => {
    const button = document.createElement("button"), who = document.createElement("b"), when = document.createElement("small");
    button.className = saying.complaint ? "said cry" : "said";
    who.textContent = saying.complaint ? `${saying.who}: ` : "";
    when.textContent = ` ${timeText(saying.at)}`;
    button.append(who, document.createTextNode(saying.text), when);
    button.onclick = () => { if (view.zoom < 0.8) setZoom(1); goTo(saying); };
    return button;
  });
  by("sayings").replaceChildren(...list.slice(0, 40));
  by("jump").hidden = !complaints.length;
  if (complaints.length > 1) by("jump").textContent = `Complaints (${complaints.length})`;
}

function buildLegend() {
  const sign = (text, style) => {
    const item = document.createElement("span"), box = document.createElement("i");
    Object.assign(box.style, style);
    item.append(box, document.createTextNode(text));
    by("legend").append(item);
  };
  DATA.roles.forEach((role, place) => { if (!gone(role) && role !== "paused") sign(roleText(role), { background: `var(--r${place})` }); });
  const stroke = (kind) => ({ height: "0", borderTop: `2px ${kind} var(--soft)` });
  sign("message", stroke("solid"));
  sign("delayed", stroke("dashed"));
  sign("duplicated", { height: "4px", border: "1px solid var(--soft)", borderWidth: "1px 0" });
  sign("down", stroke("dotted"));
  sign("partition", { background: "var(--wall)", opacity: "0.3" });
  sign("answered", { background: "var(--ok)" });
  sign("refused", { background: "var(--fail)" });
  sign("outcome unknown", { border: "1px dashed var(--info)" });
  sign("commit", { background: "var(--ok)", width: "8px", height: "8px", transform: "rotate(45deg)" });
}

const KEYS = {
  ArrowRight: () => step(1), j: () => step(1), ArrowLeft: () => step(-1), k: () => step(-1), " ": () => play(!timer), c: jump,
  "+": () => setZoom(view.zoom * 1.4), "=": () => setZoom(view.zoom * 1.4), "-": () => setZoom(view.zoom / 1.4),
  0: () => setZoom(1), f: () => setZoom(0), r: () => by("routine").click(),
  ArrowDown: () => scroller.scrollBy(0, 60), ArrowUp: () => scroller.scrollBy(0, -60),
  PageDown: () => scroller.scrollBy(0, view.height * 0.85), PageUp: () => scroller.scrollBy(0, -view.height * 0.85),
  Home: () => scroller.scrollTo(0, 0), End: () => scroller.scrollTo(0, sizer.offsetHeight),
};
document.addEventListener("keydown", (event) => {
  const key = KEYS[event.key], own = event.target.closest("input, button, summary, a");
  if (event.key === "Escape") document.querySelectorAll(".filter[open]").forEach((open) => { open.open = false; });
  if (!key || event.ctrlKey || event.metaKey || event.altKey) return;
  if (own && (event.key === " " || event.key.startsWith("Page"))) return;
  event.preventDefault();
  key();
});
document.addEventListener("pointerdown", (event) => {
  document.querySelectorAll(".filter[open]").forEach((open) => { if (!open.contains(event.target)) open.open = false; });
});

function start() {
  readColours();
  buildFilters();
  buildSayings();
  buildLegend();
  by("prev").onclick = () => step(-1);
  by("next").onclick = () => step(1);
  by("play").onclick = () => play(!timer);
  by("jump").onclick = jump;
  by("in").onclick = () => setZoom(view.zoom * 1.4);
  by("out").onclick = () => setZoom(view.zoom / 1.4);
  by("one").onclick = () => setZoom(1);
  by("fit").onclick = () => setZoom(0);
  by("routine-count").textContent = messages.filter((m) => m.routine).length.toLocaleString("en");
  by("routine").addEventListener("change", () => { choice.routine = by("routine").checked; relayout(); });
  by("even").addEventListener("change", () => { choice.even = by("even").checked; view.zoom = 1; relayout(); });
  relayout(false);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColours(); redraw(); });
  let last = "";
  new ResizeObserver(() => {
    const size = `${scroller.clientWidth}x${scroller.clientHeight}`;
    if (size !== last) { last = size; relayout(); }
  }).observe(scroller);
}

start();

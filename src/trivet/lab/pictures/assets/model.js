// The data of the run, what of it is shown, and the events that one can step through, in words.

const DATA = JSON.parse(document.getElementById("data").textContent);
const FATES = ["delivered", "dropped", "blocked", "lost", "under way"];
const FOREVER = -1;
const END = DATA.ended;

const laneOf = new Map(DATA.lanes.map((lane) => [lane.number, lane]));
const laneName = (number) => (laneOf.has(number) ? laneOf.get(number).name : `lane ${number}`);

const messages = DATA.messages.map(([source, target, sent, arrived, fate, flags, kind, label, fields], index) => ({
  type: "message", index, source, target, sent, fate: FATES[fate], label, fields,
  end: FATES[fate] === "under way" ? END + 1 : FATES[fate] === "dropped" ? sent : Math.max(sent, arrived),
  routine: (flags & 1) !== 0, duplicate: (flags & 2) !== 0, delayed: (flags & 4) !== 0, kind: DATA.kinds[kind],
}));
const states = DATA.states.map(([at, lane, role, term, note]) => ({ type: "state", at, lane, role, term, note }));
const points = DATA.points.map(([at, lane, kind, text]) => ({ type: "point", at, lane, kind, text }));
const walls = DATA.walls.map(([begin, end, pairs, text]) => ({ type: "wall", begin, end, pairs, text }));
const operations = DATA.operations.map(([number, client, node, begin, end, text, outcome, reply, verdict]) => ({
  type: "operation", number, client, node, begin, text, outcome, reply, verdict,
  answered: end !== FOREVER, end: end === FOREVER ? END + 1 : end,
}));
const sayings = DATA.sayings.map(([at, who, text, concerned, complaint]) => ({ type: "saying", at, who, text, concerned, complaint }));

// An operation without an answer is drawn until its client goes on: from then on nobody waits for it.
{
  const next = new Map(), latest = new Map();
  for (const o of [...operations].reverse()) {
    if (latest.has(o.client) && latest.get(o.client) > o.begin) next.set(o.client, latest.get(o.client));
    o.until = o.answered ? o.end : next.get(o.client) ?? END + 1;
    latest.set(o.client, o.begin);
  }
}
const allClients = [...new Set(operations.map((operation) => operation.client))].sort((a, b) => a - b);

// What the reader has chosen to see.
const choice = { lanesOff: new Set(), clientsOff: new Set(), kindsOff: new Set(), routine: false, even: false };

const visibleLane = (number) => laneOf.has(number) && !choice.lanesOff.has(number);
const visibleMessage = (m) =>
  (choice.routine || !m.routine) && !choice.kindsOff.has(m.kind) && visibleLane(m.source) && visibleLane(m.target);

const WITH_TERMS = new Set(["leader", "candidate", "pre_candidate", "follower", "learner"]);
const gone = (role) => role === "down" || role === "crashed";
const roleText = (role) => role.replaceAll("_", "-");
const stateText = (s) => roleText(s.role) + (s.term && !gone(s.role) && s.role !== "paused" ? ` ${WITH_TERMS.has(s.role) ? "t" : ""}${s.term}` : "");

function timeText(us) {
  return END < 10000000 ? `${(us / 1000).toFixed(us % 1000 && END < 1000000 ? 2 : 1)} ms` : `${(us / 1000000).toFixed(4)} s`;
}

function durationText(us) {
  if (us < 1000) return `${us} µs`;
  if (us < 1000000) return `${(us / 1000).toFixed(us >= 10000 ? 0 : 1)} ms`;
  return `${(us / 1000000).toFixed(2)} s`;
}

function messageTitle(m) {
  return `${laneName(m.source)} → ${laneName(m.target)}: ${m.label || m.kind}`;
}

function fateText(m) {
  if (m.fate === "delivered") return `arrives after ${durationText(m.end - m.sent)}`;
  if (m.fate === "dropped") return "lost on the way";
  if (m.fate === "blocked") return "stopped by a partition";
  return m.fate === "lost" ? "its link or its receiver died" : "still under way at the end";
}

function messageFields(m) {
  const marks = [m.duplicate && "a copy that the network made", m.delayed && "held back", m.routine && "routine"].filter(Boolean);
  const rows = [["kind", m.kind], ["sent", timeText(m.sent)], ["fate", fateText(m)]];
  if (marks.length) rows.push(["marks", marks.join(", ")]);
  return rows.concat(Object.entries(m.fields));
}

const ANSWERS = { ok: "answered", fail: "refused, without effect", info: "outcome unknown" };

function operationFields(o) {
  const rows = [["from", timeText(o.begin)], ["until", o.answered ? timeText(o.end) : "never answered"],
    ["at", o.node ? laneName(o.node) : ""], ["outcome", ANSWERS[o.outcome] || o.outcome], ["reply", o.reply], ["verdict", o.verdict]];
  return rows.filter(([, value]) => value);
}

// The fields that explain a thing, for the panel and the tooltip.
function fieldsOf(thing) {
  if (thing.type === "message") return messageFields(thing);
  if (thing.type === "operation") return operationFields(thing);
  if (thing.type === "wall") return [["from", timeText(thing.begin)], ["until", timeText(thing.end)],
    ["blocked", thing.pairs.map(([a, b]) => `${laneName(a)} → ${laneName(b)}`).join(", ")]];
  if (thing.type === "state" && thing.note) return [["note", thing.note]];
  if (thing.type === "saying" && thing.concerned.length) return [["operations", thing.concerned.map((number) => {
    const found = operations.find((operation) => operation.number === number);
    return found ? `client ${found.client}: ${found.text}` : `#${number}`;
  }).join("; ")]];
  return [];
}

function titleOf(thing) {
  if (thing.type === "message") return messageTitle(thing);
  if (thing.type === "operation") return `client ${thing.client}: ${thing.text}`;
  if (thing.type === "state") return `${laneName(thing.lane)} is ${stateText(thing)}`;
  if (thing.type === "point") return (laneOf.has(thing.lane) ? `${laneName(thing.lane)}: ` : "") + thing.text;
  return thing.type === "wall" ? thing.text || "partition" : `${thing.complaint ? `${thing.who}: ` : ""}${thing.text}`;
}

// Every event that one can step to, in the order of time: {at, thing, words}.
let events = [];

function listEvents() {
  events = [];
  const add = (at, thing, words, rank) => at <= END && events.push({ at, thing, words, rank });
  for (const m of messages) {
    if (!visibleMessage(m)) continue;
    const label = m.label || m.kind;
    const copy = m.duplicate ? "The network repeats: " : "";
    add(m.sent, m, m.fate === "dropped" ? `${copy}${laneName(m.source)} sends ${label} to ${laneName(m.target)}, but it is lost on the way`
      : `${copy}${laneName(m.source)} sends ${label} to ${laneName(m.target)}`, 5);
    if (m.fate === "delivered") add(m.end, m, `${laneName(m.target)} receives ${label} from ${laneName(m.source)}`, 1);
    else if (m.fate === "blocked") add(m.end, m, `A partition stops ${label} from ${laneName(m.source)} to ${laneName(m.target)}`, 1);
    else if (m.fate === "lost") add(m.end, m, `${label} from ${laneName(m.source)} finds no receiver: ${laneName(m.target)} or the link is gone`, 1);
  }
  for (const s of states) if (visibleLane(s.lane)) add(s.at, s, `${laneName(s.lane)} is now ${WITH_TERMS.has(s.role) && s.term ? `${roleText(s.role)} in term ${s.term}` : stateText(s)}`, 3);
  for (const p of points) if (!laneOf.has(p.lane) || visibleLane(p.lane)) add(p.at, p, titleOf(p), 2);
  for (const w of walls) {
    add(w.begin, w, `A partition begins: ${w.text}`, 0);
    if (w.end < END) add(w.end, w, `A partition ends: ${w.text}`, 0);
  }
  for (const o of operations) {
    if (choice.clientsOff.has(o.client)) continue;
    add(o.begin, o, `Client ${o.client} asks ${o.node ? laneName(o.node) : ""}: ${o.text}`, 6);
    if (o.answered) add(o.end, o, `Client ${o.client} has for ${o.text}: ${o.reply || ANSWERS[o.outcome] || o.outcome}`, 4);
  }
  for (const s of sayings) add(s.at, s, titleOf(s), 7);
  events.sort((a, b) => a.at - b.at || a.rank - b.rank);
}

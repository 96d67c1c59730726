// The page of the chat. All that it knows of connections stands in hub.js.

import { Hub } from "./hub.js";

const $ = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));
const wide = matchMedia("(min-width: 46.01rem)");

// What stays on this machine. Private windows may refuse it.
const stored = {
  get(name, otherwise) {
    try {
      return localStorage.getItem(`chat-${name}`) ?? otherwise;
    } catch {
      return otherwise;
    }
  },
  set(name, value) {
    try {
      localStorage.setItem(`chat-${name}`, value);
    } catch {
      // Then it is asked for again the next time.
    }
  },
};

// Who has this key is the same as before, whatever its name: the server makes a mark of it.
const key = stored.get("key", Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, "0")).join(""));
stored.set("key", key);
let name = stored.get("name", "");

const hub = new Hub("ws", { token: () => `${key} ${name}`, maxDelay: 10_000, maxQueued: 20 });

/** The rooms, by name. @type {Map<string, ReturnType<typeof enter>>} */
const views = new Map();
/** The one that is shown. @type {ReturnType<typeof enter>} */
let current;

// Names and lines are other people's text: only ever `textContent`, so that nobody can send markup.
function element(tag, className = "", text = "") {
  return Object.assign(document.createElement(tag), { className, textContent: text });
}

// People.

/** The marks that were seen with a name. @type {Map<string, Set<string>>} */
const marks = new Map();

/** What the server knows somebody by is a name, a `#`, and a mark that nobody else has. */
function person(user = "?#") {
  const at = user.lastIndexOf("#");
  return { user, name: user.slice(0, at), mark: user.slice(at + 1) };
}

/** Also under an earlier name. */
function isMe({ mark }) {
  return mark === person(hub.user).mark;
}

/** Shows who somebody is: the mark as well, if there is another one of that name. */
function identify(who, someone) {
  const folded = someone.name.toLowerCase();
  const known = marks.get(folded) ?? new Set();
  marks.set(folded, known.add(someone.mark));
  who.dataset.folded = folded;
  who.querySelector(".name").textContent = someone.name;
  who.querySelector(".mark").textContent = `#${someone.mark.slice(0, 6)}`;
  who.title = `${someone.name} #${someone.mark}`;
  if (known.size > 1) {
    for (const other of document.querySelectorAll(".who")) if (other.dataset.folded === folded) other.classList.add("twin");
    who.classList.add("twin");
  }
}

function paint(node, someone) {
  node.style.setProperty("--hue", String(Number.parseInt(someone.mark.slice(0, 6) || "0", 16) % 360));
  node.querySelector(".avatar").textContent = [...someone.name][0]?.toUpperCase() ?? "?";
}

function showMembers() {
  const people = [...current.room.members.keys()].map(person).sort((a, b) => a.name.localeCompare(b.name));
  $("here").replaceChildren(...people.map(someone => {
    const item = element("li");
    const who = element("span", "who");
    who.append(element("span", "name"), element("small", "mark"));
    item.append(element("span", "avatar"), who);
    item.firstChild.ariaHidden = "true";
    paint(item, someone);
    identify(who, someone);
    if (isMe(someone)) item.append(element("span", "you", "you"));
    return item;
  }));
  $("count").textContent = people.length === 1 ? "1 person here" : `${people.length} people here`;
}

// Rooms.

function enter(roomName) {
  const room = hub.join(roomName, { newest: 100, presence: {}, watch: true });
  const log = element("ol", "log");
  log.setAttribute("role", "log");
  log.setAttribute("aria-label", `Messages in ${roomName}`);
  log.tabIndex = 0;
  log.hidden = true;
  $("logs").append(log);
  const view = {
    room,
    log,
    unread: 0,
    /** Whether the reader is at the end, and not somewhere above it. */
    following: true,
    /** The lines that are shown, by author and name. @type {Map<string, HTMLElement>} */
    lines: new Map(),
    /** Lines of this page that the server has not confirmed. @type {Map<string, { id: string, text: string, item: HTMLElement, unsure: boolean }>} */
    outgoing: new Map(),
    /** How many messages are still to come of those that were missed. */
    missed: 0,
  };
  log.addEventListener("scroll", () => {
    if (!log.hidden) view.following = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
  });
  new ResizeObserver(() => follow(view)).observe(log);
  room.addEventListener("joined", ({ detail }) => {
    view.missed = detail.messages;
    if (view.missed === 0) resend(view);
  });
  room.addEventListener("message", ({ detail }) => {
    receive(view, detail);
    if (view.missed > 0 && --view.missed === 0) resend(view);
  });
  room.addEventListener("gap", () => {
    view.log.replaceChildren(element("li", "note", "You were away for long: these are the newest lines."));
    view.lines.clear();
    for (const line of view.outgoing.values()) {
      view.log.append(line.item);
      if (line.unsure) fail(view, line, PROBLEMS.unconfirmed);
    }
  });
  room.addEventListener("members", () => {
    if (view === current) showMembers();
  });
  room.addEventListener("refused", ({ detail }) => {
    forget(view);
    notify(`#${roomName}: ${detail.message}.`);
  });
  views.set(roomName, view);
  return view;
}

function show(roomName) {
  current = views.get(roomName) ?? enter(roomName);
  for (const view of views.values()) view.log.hidden = view !== current;
  current.unread = 0;
  $("room-title").textContent = roomName;
  document.title = `#${roomName} · Chat`;
  $("leave").hidden = views.size < 2;
  showRooms();
  showMembers();
  showSide(false);
  follow(current);
}

function showRooms() {
  let unread = 0;
  $("rooms").replaceChildren(...[...views.values()].map(view => {
    const item = element("li");
    const link = element("a");
    link.href = `#${encodeURIComponent(view.room.name)}`;
    link.append(element("span", "hash", "#"), element("span", "label", view.room.name));
    if (view === current) link.setAttribute("aria-current", "page");
    if (view.unread > 0) {
      unread += view.unread;
      const badge = element("span", "badge", view.unread > 99 ? "99+" : String(view.unread));
      badge.setAttribute("aria-label", `${view.unread} unread`);
      link.append(badge);
    }
    item.append(link);
    return item;
  }));
  $("menu-badge").hidden = unread === 0;
  $("menu-badge").textContent = unread > 99 ? "99+" : String(unread);
  stored.set("rooms", JSON.stringify([...views.keys()]));
}

function forget(view) {
  view.log.remove();
  views.delete(view.room.name);
  if (view === current) location.hash = `#${encodeURIComponent([...views.keys()][0] ?? "lobby")}`;
  else showRooms();
}

/** As the server wants it: small letters, digits and hyphens. */
function tidyRoom(text) {
  return text.normalize("NFC").toLowerCase().trim().replace(/[\s_]+/g, "-").replace(/[^\p{L}\p{N}-]/gu, "").slice(0, 32);
}

function roomOfAddress() {
  try {
    return tidyRoom(decodeURIComponent(location.hash.slice(1)));
  } catch {
    return "";
  }
}

// Lines.

function receive(view, { data, from }) {
  const author = person(from?.user);
  const id = `${author.mark} ${data.id}`;
  const mine = isMe(author);
  const line = mine && view.outgoing.get(data.id);
  // A line is sent again if nobody knows whether it has arrived, so it may come twice.
  if (view.lines.has(id)) return;
  if (line) {
    view.outgoing.delete(data.id);
    line.item.remove();
  }
  const item = makeLine(author, data.text, data.at);
  view.lines.set(id, item);
  insert(view, item);
  if (view.lines.size > MAX_LINES) {
    const [oldest] = view.lines;
    view.lines.delete(oldest[0]);
    oldest[1].remove();
  }
  if (view !== current && !mine && view.missed === 0) {
    view.unread += 1;
    showRooms();
  }
}

function makeLine(someone, text, at = Date.now()) {
  const item = $("line").content.firstElementChild.cloneNode(true);
  const time = new Date(at);
  const today = time.toDateString() === new Date().toDateString();
  item.dataset.user = someone.user;
  item.dataset.at = at;
  item.classList.toggle("mine", isMe(someone));
  paint(item, someone);
  identify(item.querySelector(".who"), someone);
  item.querySelector("time").dateTime = time.toISOString();
  item.querySelector("time").textContent = (today ? CLOCK : CALENDAR).format(time);
  item.querySelector("p").textContent = text;
  return item;
}

/** Confirmed lines in their order, and below them those that are not. */
function insert(view, item) {
  const { log } = view;
  const first = log.querySelector(".pending, .failed");
  log.insertBefore(item, item.matches(".pending") ? null : first);
  const before = item.previousElementSibling;
  item.classList.toggle("more", before?.dataset.user === item.dataset.user && item.dataset.at - before.dataset.at < 5 * 60_000);
  follow(view);
}

function follow({ log, following }) {
  if (following && !log.hidden) log.scrollTop = log.scrollHeight;
}

function say(view, text) {
  const id = crypto.randomUUID?.() ?? String(Math.random());
  const item = makeLine(person(hub.user ?? `${name}#`), text);
  const line = { id, text, item, unsure: false };
  item.classList.add("mine");
  item.querySelector(".state button").addEventListener("click", () => send(view, line));
  view.outgoing.set(id, line);
  view.following = true;
  send(view, line);
}

async function send(view, line) {
  const { item } = line;
  line.unsure = false;
  item.classList.remove("failed");
  item.classList.add("pending");
  state(item, hub.state === "open" ? "" : "Waits for the connection");
  insert(view, item);
  try {
    await view.room.publish({ id: line.id, text: line.text });
    // The line itself comes before or after this.
    state(item, "");
  } catch (error) {
    // When the connection is back, what was missed tells whether it has arrived. If it is the server that does not know, there
    // is nothing to wait for.
    if (error.code === "unconfirmed" && hub.state !== "open") line.unsure = true;
    else if (view.outgoing.has(line.id)) fail(view, line, PROBLEMS[error.code] ?? error.message);
  }
}

/** All that was missed has come: what is not among it has not arrived. */
function resend(view) {
  for (const line of view.outgoing.values()) if (line.unsure) send(view, line);
}

function fail(view, line, why) {
  line.unsure = false;
  line.item.classList.remove("pending");
  line.item.classList.add("failed");
  state(line.item, why, true);
  follow(view);
}

function state(item, text, again = false) {
  const node = item.querySelector(".state");
  node.hidden = text === "";
  node.querySelector("span").textContent = text;
  node.querySelector("button").hidden = !again;
}

// The connection.

hub.addEventListener("state", ({ detail }) => {
  showState(detail);
  if (detail.state === "open") {
    $("door").hidden = true;
    $("app").hidden = false;
    notify("");
    const me = person(hub.user);
    $("my-name").textContent = me.name;
    stored.set("name", me.name);
    show(roomOfAddress() || current?.room.name || "lobby");
    if (wide.matches) $("text").focus();
  } else if (detail.state === "closed" && detail.code !== RENAMED) {
    if ($("app").hidden) open(`${capital(detail.reason || "the server has closed the connection")}.`);
    else notify(`The connection was closed: ${detail.reason || detail.code}.`, true);
  }
});
hub.addEventListener("queue", () => showState({ state: hub.state, retryAt }));

let retryAt;
let countdown;
function showState(detail) {
  retryAt = detail.retryAt;
  clearTimeout(countdown);
  let text = { open: "Connected", connecting: "Connecting…", closed: "Not connected", waiting: "Offline" }[detail.state];
  const seconds = Math.ceil((retryAt - Date.now()) / 1000);
  if (detail.state === "waiting" && seconds > 0) {
    text = `Again in ${seconds} s`;
    countdown = setTimeout(() => showState(detail), 1000);
  }
  if (hub.queued > 0) text += ` · ${hub.queued} to send`;
  $("status").className = detail.state;
  if ($("status").textContent !== text) $("status").textContent = text;
  $("refusal").textContent = detail.state === "waiting" ? "The server cannot be reached. Trying again…" : "";
}

function notify(text, ended = false) {
  $("notice").hidden = text === "";
  $("notice").querySelector("span").textContent = text;
  $("notice").querySelector("button").hidden = !ended;
}

// The controls.

/** Asks for the name. */
function open(refusal = "") {
  $("app").hidden = true;
  $("door").hidden = false;
  $("refusal").textContent = refusal;
  $("door").querySelector("button").disabled = false;
  $("name").value = name;
  $("name").focus();
  $("name").select();
}

function showSide(shown) {
  const over = !wide.matches;
  $("side").classList.toggle("shown", shown && over);
  $("shade").hidden = !(shown && over);
  $("menu").setAttribute("aria-expanded", String(shown && over));
  document.querySelector("main").inert = shown && over;
}

$("door").addEventListener("submit", event => {
  event.preventDefault();
  name = $("name").value.trim();
  $("door").querySelector("button").disabled = true;
  hub.connect();
});
$("rename").addEventListener("click", () => {
  hub.close(RENAMED);
  open();
});
$("notice").querySelector("button").addEventListener("click", () => {
  notify("");
  hub.connect();
});
$("say").addEventListener("submit", event => {
  event.preventDefault();
  const text = $("text").value.trim();
  if (text === "") return;
  say(current, text);
  $("text").value = "";
  fit();
});
$("text").addEventListener("keydown", event => {
  // A line break with Shift; and whoever is still composing a word means that with Enter.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $("say").requestSubmit();
});
function fit() {
  $("text").style.height = "auto";
  $("text").style.height = `${$("text").scrollHeight + 2}px`;
}
$("text").addEventListener("input", fit);
$("new-room").addEventListener("submit", event => {
  event.preventDefault();
  const room = tidyRoom($("room-name").value);
  if (room === "") return;
  $("room-name").value = "";
  location.hash = `#${encodeURIComponent(room)}`;
});
$("leave").addEventListener("click", () => {
  current.room.leave();
  forget(current);
});
$("menu").addEventListener("click", () => {
  showSide(true);
  $("rooms").querySelector("[aria-current]")?.focus();
});
for (const id of ["shade", "close-side"]) {
  $(id).addEventListener("click", () => {
    showSide(false);
    $("menu").focus();
  });
}
wide.addEventListener("change", () => showSide(false));
document.addEventListener("keydown", event => {
  if (event.key !== "Escape" || $("shade").hidden) return;
  showSide(false);
  $("menu").focus();
});
addEventListener("hashchange", () => {
  if (!$("app").hidden) show(roomOfAddress() || "lobby");
});

const capital = text => text.charAt(0).toUpperCase() + text.slice(1);

const PROBLEMS = {
  slow_down: "Not sent: too many lines at once.",
  full: "Not sent: too much is waiting.",
  closed: "Not sent.",
  timeout: "It is not known whether this has arrived.",
  unconfirmed: "It is not known whether this has arrived.",
  unavailable: "Not sent: the server cannot keep it now.",
};
const CLOCK = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit" });
const CALENDAR = new Intl.DateTimeFormat([], { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const MAX_LINES = 500;
/** The close code with which this page itself goes. */
const RENAMED = 4000;

let rooms = ["lobby"];
try {
  rooms = JSON.parse(stored.get("rooms", "[]")).filter(room => typeof room === "string" && room === tidyRoom(room));
} catch {
  // Somebody else's, or an older page's.
}
for (const room of new Set(["lobby", ...rooms].slice(0, 16))) enter(room);
if (name === "") {
  open();
} else {
  $("my-name").textContent = name;
  $("app").hidden = false;
  show(roomOfAddress() || "lobby");
  hub.connect();
}

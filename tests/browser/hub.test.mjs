// What examples/chat/hub.js does with frames, losses and time: no network, no browser.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { Hub, verdict } from "../../examples/chat/hub.js";

/** A socket whose other end is the test. */
class Socket {
  /** @type {Socket[]} */ static all = [];
  sent = [];
  closed = false;

  constructor(url) {
    this.url = String(url);
    Socket.all.push(this);
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.closed = true;
  }

  /** The server sends these. */
  async says(...frames) {
    for (const frame of frames) this.onmessage?.({ data: JSON.stringify(frame) });
    await settled();
  }

  async drops(code = 1006, reason = "") {
    this.onclose?.({ code, reason });
    await settled();
  }

  /** What the client has sent since the last time. */
  took() {
    return this.sent.splice(0);
  }
}

const settled = () => new Promise(resolve => setImmediate(resolve));
const WELCOME = { type: "welcome", version: 1, session: "s-1" };
const joined = (id, more) => ({ type: "joined", id, room: "r", recovered: false, messages: 0, position: "e-0", ...more });
const message = number => ({ type: "message", room: "r", position: `e-${number}`, data: number });

let hub;
let heard;

/** A client, and what it tells. */
function client(options = {}) {
  hub = new Hub("ws://hub.example/ws", { WebSocket: Socket, random: () => 1, ...options });
  heard = [];
  hub.addEventListener("state", ({ detail }) => heard.push(detail.state));
  return hub;
}

/** The newest connection. */
const socket = () => Socket.all.at(-1);

async function connected(options) {
  client(options).connect();
  await socket().says(WELCOME);
  return hub;
}

function inRoom(options) {
  const room = hub.join("r", options);
  room.told = [];
  for (const type of ["joined", "message", "gap", "members", "refused"]) {
    room.addEventListener(type, ({ detail }) => room.told.push([type, detail?.data ?? detail?.messages ?? detail?.code]));
  }
  return room;
}

async function passes(milliseconds) {
  mock.timers.tick(milliseconds);
  await settled();
}

beforeEach(() => {
  Socket.all = [];
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
});
afterEach(() => {
  hub?.close();
  mock.timers.reset();
});

test("token comes before the rooms, and rooms before what waited", async () => {
  client({ token: async () => "secret" });
  inRoom({ newest: 5, watch: true, presence: { a: 1 } });
  hub.connect();
  hub.publish("r", "hello").catch(() => {});
  await socket().says(WELCOME);
  assert.deepEqual(socket().took(), [{ type: "auth", token: "secret", id: 1 }]);
  assert.equal(hub.state, "connecting");
  await socket().says({ type: "ok", id: 1, user: "ada" });
  assert.equal(hub.user, "ada");
  const [join, publish] = socket().took();
  assert.deepEqual(join, { type: "join", id: 2, room: "r", newest: 5, presence: { a: 1 }, watch: true });
  assert.deepEqual(publish, { type: "publish", room: "r", data: "hello", id: 3 });
  assert.deepEqual(heard, ["connecting", "open"]);
});

test("publish gives the position", async () => {
  await connected();
  const published = hub.publish("r", 1);
  await socket().says({ type: "ok", id: socket().took()[0].id, position: "e-7" });
  assert.equal(await published, "e-7");
});

test("room goes on from the last message that has arrived", async () => {
  await connected();
  const room = inRoom({ newest: 2 });
  await socket().says(joined(1, { recovered: true, messages: 2, position: "e-2" }), message(1));
  // Cut within what was to come: from there, and not from where the server was.
  await socket().drops();
  await passes(500);
  await socket().says(WELCOME);
  const [join] = socket().took();
  assert.equal(join.since, "e-1");
  assert.equal(join.newest, undefined);
  await socket().says(joined(join.id, { recovered: true, messages: 1, position: "e-2" }), message(2), message(3));
  assert.deepEqual(room.told, [["joined", 2], ["message", 1], ["joined", 1], ["message", 2], ["message", 3]]);
  assert.equal(room.position, "e-3");
});

test("room that is cut before the first of what it missed asks for all of it again", async () => {
  await connected();
  const room = inRoom();
  await socket().says(joined(1), message(1));
  await socket().drops();
  await passes(500);
  await socket().says(WELCOME);
  await socket().says(joined(socket().took()[0].id, { recovered: true, messages: 2, position: "e-3" }));
  await socket().drops();
  await passes(1000);
  await socket().says(WELCOME);
  assert.equal(socket().took()[0].since, "e-1");
  assert.equal(room.position, "e-1");
});

test("gap is told, and the newest messages follow", async () => {
  await connected();
  const room = inRoom({ newest: 2 });
  await socket().says(joined(1, { position: "e-1" }));
  await socket().drops();
  await passes(500);
  await socket().says(WELCOME);
  const [first] = socket().took();
  await socket().says(joined(first.id, { position: "f-9" }));
  const [second] = socket().took();
  assert.deepEqual([second.since, second.newest], [undefined, 2]);
  await socket().says(joined(second.id, { recovered: true, messages: 1, position: "f-9" }));
  assert.deepEqual(room.told, [["joined", 0], ["gap", undefined], ["joined", 1]]);
});

test("after lost messages nothing is taken until the room is joined again", async () => {
  await connected();
  const room = inRoom();
  await socket().says(joined(1), message(1));
  socket().took();
  // The 2 is missing; the 3 comes again with it.
  await socket().says({ type: "lost", room: "r" }, message(3));
  const [join] = socket().took();
  assert.equal(join.since, "e-1");
  await socket().says(joined(join.id, { recovered: true, messages: 2, position: "e-3" }), message(2), message(3));
  assert.deepEqual(room.told.filter(([type]) => type === "message").map(([, data]) => data), [1, 2, 3]);
});

test("history that cannot be seen is asked for again", async () => {
  await connected();
  const room = inRoom({ newest: 5 });
  await socket().says(joined(1, { position: undefined }));
  socket().took();
  await passes(6000);
  assert.equal(socket().took().at(-1).type, "join");
  assert.deepEqual(room.told, []);
});

test("what was sent and not answered is unconfirmed, what waits goes on waiting", async () => {
  await connected();
  const results = [];
  const publish = data => hub.publish("r", data).then(() => results.push([data, "ok"]), error => results.push([data, error.code]));
  const told = [];
  hub.addEventListener("queue", () => told.push(hub.queued));
  for (let number = 0; number < 18; number++) publish(number);
  assert.equal(hub.queued, 2);
  assert.deepEqual(told, [1, 2]);
  await socket().drops();
  assert.deepEqual(results, Array.from({ length: 16 }, (_, number) => [number, "unconfirmed"]));
  publish("later");
  await passes(500);
  await socket().says(WELCOME);
  assert.deepEqual(socket().sent.map(({ data }) => data), [16, 17, "later"]);
});

test("queue is bounded by count and by length", async () => {
  client({ maxQueued: 2, maxQueuedLength: 200 });
  hub.connect();
  const kept = [hub.publish("r", 1), hub.publish("r", 2)].map(promise => promise.catch(error => error.code));
  await assert.rejects(hub.publish("r", 3), { code: "full" });
  hub.close();
  assert.deepEqual(await Promise.all(kept), ["closed", "closed"]);
  hub.connect();
  await assert.rejects(hub.publish("r", "x".repeat(200)), { code: "full" });
  assert.equal(hub.queued, 0);
  // Nothing of before is counted any more.
  hub.publish("r", "x".repeat(120)).catch(() => {});
  assert.equal(hub.queued, 1);
});

test("what shall not wait fails at once", async () => {
  client().connect();
  await assert.rejects(hub.publish("r", 1, { queue: false }), { code: "offline" });
  await assert.rejects(hub.call(1), { code: "offline" });
});

test("answer that does not come is a timeout, and too late afterwards", async () => {
  await connected();
  const called = assert.rejects(hub.call("?", { timeout: 100 }), { code: "timeout" });
  await passes(100);
  await called;
  await socket().says({ type: "ok", id: socket().took()[0].id, data: "!" });
  assert.equal(hub.state, "open");
});

test("refusals reach whoever asked", async () => {
  await connected();
  const published = assert.rejects(hub.publish("r", 1), { code: "slow_down", message: "easy" });
  await socket().says({ type: "error", id: socket().took()[0].id, code: "slow_down", message: "easy" });
  await published;
  const room = inRoom();
  await socket().says({ type: "error", id: socket().took()[0].id, code: "denied", message: "no" });
  assert.deepEqual(room.told, [["refused", "denied"]]);
  assert.notEqual(hub.join("r"), room);
});

test("pauses grow to their bound, and start again after a connection that has held", async () => {
  client({ minDelay: 100, maxDelay: 400 }).connect();
  const pauses = [];
  for (let attempt = 0; attempt < 4; attempt++) {
    await socket().drops();
    const before = Socket.all.length;
    let pause = 0;
    for (; Socket.all.length === before; pause += 50) await passes(50);
    pauses.push(pause);
  }
  assert.deepEqual(pauses, [100, 200, 400, 400]);
  await socket().says(WELCOME);
  await passes(10_000);
  await socket().drops();
  await passes(100);
  assert.equal(hub.state, "connecting");
});

test("connection that does not hold is no reason to come back sooner", async () => {
  client({ minDelay: 100 }).connect();
  for (const pause of [100, 200, 400]) {
    await socket().says(WELCOME);
    await socket().drops();
    await passes(pause - 1);
    assert.equal(hub.state, "waiting");
    await passes(1);
    assert.equal(hub.state, "connecting");
  }
});

test("pause is at random between a half and the whole", async () => {
  client({ minDelay: 100, random: () => 0 }).connect();
  await socket().drops();
  await passes(50);
  assert.equal(hub.state, "connecting");
});

test("server says when to come back", async () => {
  await connected();
  await socket().drops(1012, "reconnect-after=3000");
  await passes(2999);
  assert.equal(hub.state, "waiting");
  await passes(1);
  assert.equal(hub.state, "connecting");
});

test("close codes say whether to come back", () => {
  const back = [[1001, ""], [1006, ""], [1011, ""], [1012, ""], [1005, ""], [1009, ""], [1008, "authentication expired"]];
  for (const [code, reason] of back) assert.equal(verdict(code, reason).retry, true, `${code} ${reason}`);
  const gone = [[1000, ""], [1002, ""], [1003, "text only"], [1008, "too many messages"], [1008, "too many sessions of this client"], [4000, ""]];
  for (const [code, reason] of gone) assert.equal(verdict(code, reason).retry, false, `${code} ${reason}`);
  assert.equal(verdict(1013, "too slow").atLeast, 2000);
  assert.equal(verdict(1012, "reconnect-after=999999999").after, 300_000);
  assert.equal(verdict(1012, "reconnect-after=-1").after, undefined);
});

test("token that is refused ends it", async () => {
  await connected({ token: () => "wrong" });
  await socket().says({ type: "error", id: 1, code: "denied", message: "no such token" });
  assert.deepEqual(heard, ["connecting", "closed"]);
  assert.equal(socket().closed, true);
});

test("token is renewed before it expires", async () => {
  let count = 0;
  await connected({ token: () => `token ${++count}` });
  await socket().says({ type: "ok", id: 1, user: "ada", expires: 60 });
  socket().took();
  await passes(48_000);
  assert.equal(socket().took()[0].token, "token 2");
});

test("without a token there is no use in coming back for one", async () => {
  await connected();
  await socket().drops(1008, "not authenticated");
  assert.equal(hub.state, "closed");
});

test("silence is asked about, and then a loss", async () => {
  await connected();
  hub.close();
  client().connect();
  await socket().says({ ...WELCOME, ping: 40 });
  await passes(20_000);
  const [ping] = socket().took();
  assert.equal(ping.type, "ping");
  await socket().says({ type: "pong", id: ping.id });
  await passes(10_000);
  assert.equal(hub.state, "open");
  await passes(10_000);
  assert.equal(socket().took().at(-1).type, "ping");
  await passes(10_000);
  assert.equal(hub.state, "waiting");
});

test("any frame is a sign of life", async () => {
  client().connect();
  await socket().says({ ...WELCOME, ping: 40 });
  await passes(20_000);
  await passes(5000);
  await socket().says(message(1));
  await passes(5000);
  assert.equal(hub.state, "open");
});

test("other versions of the protocol are not spoken", async () => {
  client().connect();
  await socket().says({ ...WELCOME, version: 2 });
  assert.deepEqual(heard, ["connecting", "closed"]);
});

test("connection that says nothing is given up", async () => {
  client().connect();
  await passes(10_000);
  assert.equal(hub.state, "waiting");
  assert.equal(socket().closed, true);
});

test("members come, change and go", async () => {
  await connected();
  const room = inRoom({ watch: true });
  await socket().says(
    joined(1),
    { type: "present", room: "r", members: [{ name: "ada", data: 1 }, { name: "bob" }] },
    { type: "presence", room: "r", event: "join", name: "eve", data: 3 },
    { type: "presence", room: "r", event: "update", name: "ada", data: 2 },
    { type: "presence", room: "r", event: "leave", name: "bob" },
  );
  assert.deepEqual([...room.members], [["ada", 2], ["eve", 3]]);
});

test("requests of the server are answered", async () => {
  await connected({ answer: async data => data + 1 });
  await socket().says({ type: "request", id: 9, data: 41 });
  assert.deepEqual(socket().took(), [{ type: "ack", id: 9, data: 42 }]);
});

test("room that is left is not joined again, and takes what waited with it", async () => {
  client().connect();
  const room = inRoom();
  const waiting = assert.rejects(room.publish(1), { code: "closed" });
  room.leave();
  await waiting;
  await socket().says(WELCOME);
  assert.deepEqual(socket().took(), []);
});

test("close ends it for good", async () => {
  await connected();
  const published = assert.rejects(hub.publish("r", 1), { code: "unconfirmed" });
  hub.close();
  await published;
  await passes(60_000);
  assert.equal(Socket.all.length, 1);
  await assert.rejects(hub.publish("r", 2), { code: "closed" });
});

test("frames that are not understood are not looked at", async () => {
  await connected();
  await socket().says({ type: "news", room: "r" }, { type: "message", room: "nowhere", data: 1 }, null, 3);
  assert.equal(hub.state, "open");
});

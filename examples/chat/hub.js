/**
 * A client of ws-hub's JSON protocol, version 1 (docs/reference/hub-protocol.md), for browsers. It needs nothing else.
 *
 * ```js
 * const hub = new Hub("/ws", { token: () => session.token });
 * hub.addEventListener("state", ({ detail }) => showState(detail));
 *
 * const lobby = hub.join("lobby", { newest: 50, watch: true, presence: {} });
 * lobby.addEventListener("message", ({ detail }) => show(detail.from?.user, detail.data));
 * lobby.addEventListener("members", () => showMembers([...lobby.members.keys()]));
 * lobby.addEventListener("gap", () => clear()); // away for too long: the newest messages follow
 *
 * hub.connect();
 * await lobby.publish({ text: "hello" });
 * ```
 *
 * It connects again by itself and then goes on where it was: each room is sent exactly what it has missed, or has a `gap`.
 * What is published while there is no connection waits in a bounded queue. Every promise is settled: at the latest after
 * `timeout` once it was sent, and what waits in the queue when `close` is called or the server says not to come back.
 *
 * @module
 */

/**
 * @typedef {object} Options
 * @property {() => (string | Promise<string>)} [token]  Says who the client is, at each connection and before that expires.
 * @property {(data: any) => any} [answer]      Answers the requests of the server. Its result, or a promise's, is sent back.
 * @property {number} [timeout]                 How long to wait for an answer, in milliseconds; 10 s.
 * @property {number} [minDelay]                The first pause before connecting again at the most; 500 ms.
 * @property {number} [maxDelay]                The longest such pause; 30 s.
 * @property {number} [maxQueued]               How many messages may wait to be published; 100.
 * @property {number} [maxQueuedLength]         How long they may be together, in characters of JSON; 65,536.
 * @property {typeof WebSocket} [WebSocket]     For tests.
 * @property {() => number} [random]            For tests.
 *
 * @typedef {object} RoomOptions
 * @property {number} [newest]    How many of the newest messages to be sent when there is none to go on from; none.
 * @property {any} [presence]     To be among the room's members, with this said of oneself. Without it one is not.
 * @property {boolean} [watch]    Whether to know the room's members.
 *
 * @typedef {"connecting" | "open" | "waiting" | "closed"} State
 * @typedef {{ state: State, code?: number, reason?: string, retryAt?: number }} StateDetail
 * `code` and `reason` say how the last connection ended; `retryAt` when the next attempt is, as `Date.now()` counts.
 *
 * @typedef {{ data: any, from?: { session: string, user?: string }, position?: string }} Message
 * @typedef {{ timeout?: number, queue?: boolean }} PublishOptions
 *
 * @typedef {{ resolve: (frame: any) => void, reject: (error: HubError) => void }} Waiting
 * @typedef {Waiting & { frame: { type: string, room: string, data: any }, length: number, timeout: number }} Queued
 */

/**
 * Something was not done. `code` is one of the protocol's or the application's, or
 *
 * - `timeout`: there was no answer in time; it may have been done;
 * - `unconfirmed`: the connection was lost meanwhile; it may have been done. The server says so as well;
 * - `offline`: there is no connection, and it was not to wait for one;
 * - `full`: the queue is full;
 * - `closed`: the client is closed, or the room was left.
 */
export class HubError extends Error {
  /** @param {string} code @param {string} message */
  constructor(code, message) {
    super(message);
    this.name = "HubError";
    this.code = code;
  }
}

/**
 * A connection to a hub that comes back when it is lost.
 *
 * Events: `state` with a {@link StateDetail}; `queue` when {@link Hub#queued} has changed; `error` with a
 * {@link HubError} for what the server refused without having been asked for an answer.
 */
export class Hub extends EventTarget {
  /** @type {string | URL} */ #url;
  /** @type {Required<Omit<Options, "token" | "answer">> & Options} */ #options;
  /** @type {State} */ #state = "closed";
  /** @type {WebSocket | null} */ #socket = null;
  /** @type {Map<string, Room>} */ #rooms = new Map();
  /** What waits for an answer. @type {Map<number, Waiting & { timer: any }>} */
  #pending = new Map();
  /** Whose joins have not been superseded. @type {Map<number, Room>} */ #joins = new Map();
  /** @type {Queued[]} */
  #queue = [];
  #queuedLength = 0;
  #toldQueued = 0;
  #inFlight = 0;
  #nextId = 1;
  #attempts = 0;
  /** The server asked not to come back before. */ #notBefore = 0;
  #lastHeard = 0;
  /** Timers of the connection, or of the wait for one. @type {Record<string, any>} */ #timers = {};
  /** @type {AbortController | null} */ #listeners = null;

  /** The server's name for this session. @type {string | undefined} */ session;
  /** Who this is to the server, if it knows. @type {string | undefined} */ user;

  /** @param {string | URL} url  Of the hub; relative to the page. @param {Options} [options] */
  constructor(url, options = {}) {
    super();
    this.#url = url;
    this.#options = { ...DEFAULTS, WebSocket: globalThis.WebSocket, ...options };
  }

  /** @returns {State} */
  get state() {
    return this.#state;
  }

  /** How many messages wait to be published. */
  get queued() {
    return this.#queue.length;
  }

  /** Connects, and again whenever the connection is lost, until {@link Hub#close} or until the server says not to. */
  connect() {
    if (this.#state === "waiting") this.#dial();
    if (this.#state !== "closed") return;
    this.#attempts = 0;
    this.#listeners = new AbortController();
    const { signal } = this.#listeners;
    // A network that is back, or a page that was asleep: look at once, and not when some timer says so.
    globalThis.addEventListener?.("online", () => this.#wake(), { signal });
    globalThis.document?.addEventListener("visibilitychange", () => this.#wake(), { signal });
    this.#dial();
  }

  /** Ends it. What waits is rejected; rooms stay, and {@link Hub#connect} goes on with them. */
  close(code = 1000, reason = "") {
    const socket = this.#socket;
    this.#release();
    socket?.close(code, reason);
    if (this.#state !== "closed") this.#end(code, reason);
  }

  /**
   * Joins a room, now and at each connection. The same room for the same name.
   * @param {string} name @param {RoomOptions} [options]
   * @returns {Room}
   */
  join(name, options = {}) {
    let room = this.#rooms.get(name);
    if (!room) {
      room = new Room(this, name, options);
      this.#rooms.set(name, room);
      if (this.#state === "open") this._join(room);
    }
    return room;
  }

  /**
   * Publishes in a room that was joined. Waits in the queue while there is no connection, unless `queue` is false.
   * @param {string} room @param {any} data @param {PublishOptions} [options]
   * @returns {Promise<string | undefined>} its position, if it is kept
   */
  async publish(room, data, { timeout = this.#options.timeout, queue = true } = {}) {
    const frame = { type: "publish", room, data };
    const { length } = JSON.stringify(frame);
    const { maxQueued, maxQueuedLength } = this.#options;
    if (this.#state === "closed") throw new HubError("closed", "the connection is closed");
    if (!queue && this.#state !== "open") throw new HubError("offline", "there is no connection");
    if (this.#queue.length >= maxQueued || this.#queuedLength + length > maxQueuedLength) {
      throw new HubError("full", "too much waits to be published");
    }
    const answer = await new Promise((resolve, reject) => {
      this.#queue.push({ frame, length, timeout, resolve, reject });
      this.#queuedLength += length;
      this.#pump();
    });
    return answer.position;
  }

  /** Asks the application for something. @param {any} data @param {{ timeout?: number }} [options] @returns {Promise<any>} */
  async call(data, options) {
    return (await this._request({ type: "call", data }, options)).data;
  }

  // What a connection is made of.

  #dial() {
    this.#stopTimers();
    const url = new URL(this.#url, globalThis.location?.href);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new this.#options.WebSocket(url);
    this.#socket = socket;
    // For the opening handshake, the welcome, and the authentication together.
    this.#timers.setUp = setTimeout(() => this.#lost(socket, 1006, "no welcome in time"), this.#options.timeout);
    socket.onmessage = ({ data }) => this.#received(socket, data);
    socket.onclose = ({ code, reason }) => this.#lost(socket, code, reason);
    this.#become("connecting");
  }

  /** @param {WebSocket} socket @param {any} welcome */
  async #welcomed(socket, welcome) {
    if (welcome.version !== VERSION) return this.#fail(socket, 1002, `the server speaks version ${welcome.version}`);
    this.session = welcome.session;
    this.user = welcome.user;
    try {
      await this.#authenticate(socket);
    } catch (error) {
      if (socket !== this.#socket) return;
      const refused = error instanceof HubError && !PASSING.has(error.code);
      return refused ? this.#fail(socket, 1008, error.message) : this.#lost(socket, 1006, String(error));
    }
    if (socket !== this.#socket) return;
    clearTimeout(this.#timers.setUp);
    if (welcome.ping) this.#listen(socket, welcome.ping * 500);
    // Who comes and goes at once has not recovered.
    this.#timers.stable = setTimeout(() => (this.#attempts = 0), STABLE);
    this.#notBefore = 0;
    // The server does what it is sent one after the other, so nothing has to be waited for.
    for (const room of this.#rooms.values()) this._join(room);
    this.#become("open");
    this.#pump();
  }

  /** @param {WebSocket} socket */
  async #authenticate(socket) {
    const token = await this.#options.token?.();
    if (token === undefined || socket !== this.#socket) return;
    const { user, expires } = await this.#send({ type: "auth", token });
    this.user = user;
    if (!expires) return;
    // If it fails, the server closes the connection, and the next one asks for a token again.
    const renew = () => this.#authenticate(socket).catch(() => {});
    this.#timers.renew = setTimeout(renew, Math.min(expires * 800, MAX_TIMER));
  }

  /** Asks for a sign of life whenever there was none for a while. @param {WebSocket} socket @param {number} quiet */
  #listen(socket, quiet) {
    const idle = Date.now() - this.#lastHeard;
    if (idle >= quiet) this.#probe(socket);
    this.#timers.listen = setTimeout(() => this.#listen(socket, quiet), Math.max(quiet - idle, MIN_QUIET));
  }

  /** @param {WebSocket} socket */
  #probe(socket) {
    const asked = Date.now();
    this.#send({ type: "ping" }).catch(() => {
      if (this.#lastHeard < asked) this.#lost(socket, 1006, "no sign of life");
    });
  }

  #wake() {
    if (globalThis.document?.visibilityState === "hidden") return;
    if (this.#state === "open" && this.#socket) this.#probe(this.#socket);
    if (this.#state === "waiting" && Date.now() >= this.#notBefore) this.#dial();
  }

  /** The connection is gone. @param {WebSocket} socket @param {number} code @param {string} reason */
  #lost(socket, code, reason) {
    if (socket !== this.#socket) return;
    this.#release();
    // It may not be closed yet, or take minutes for that on a network that is gone.
    socket.close();
    const { retry, atLeast, after } = verdict(code, reason);
    if (!retry || (code === 1008 && !this.#options.token)) return this.#end(code, reason);
    const { minDelay, maxDelay, random } = this.#options;
    const most = Math.min(maxDelay, minDelay * 2 ** this.#attempts++);
    const delay = after ?? atLeast + (most + random() * most) / 2;
    const retryAt = Date.now() + delay;
    if (after !== undefined || atLeast > 0) this.#notBefore = retryAt;
    this.#timers.retry = setTimeout(() => this.#dial(), delay);
    this.#become("waiting", { code, reason, retryAt });
  }

  /** There is no use in coming back. @param {WebSocket} socket @param {number} code @param {string} reason */
  #fail(socket, code, reason) {
    this.#release();
    socket.close();
    this.#end(code, reason);
  }

  /** @param {number} code @param {string} reason */
  #end(code, reason) {
    this.#listeners?.abort();
    for (const { reject } of this.#queue.splice(0)) reject(new HubError("closed", "the connection is closed"));
    this.#queuedLength = 0;
    this.#tellQueued();
    this.#become("closed", { code, reason });
  }

  /** Lets go of the connection, and of all that waited for it. */
  #release() {
    if (this.#socket) this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket = null;
    this.#stopTimers();
    this.#joins.clear();
    for (const room of this.#rooms.values()) room._disconnected();
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject, timer } of pending) {
      clearTimeout(timer);
      reject(new HubError("unconfirmed", "the connection was lost before the answer"));
    }
  }

  #stopTimers() {
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    this.#timers = {};
  }

  /** @param {State} state @param {Omit<StateDetail, "state">} [detail] */
  #become(state, detail) {
    this.#state = state;
    this.#tell("state", { state, ...detail });
  }

  /** @param {string} type @param {any} [detail] */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #tellQueued() {
    if (this.#toldQueued === this.queued) return;
    this.#toldQueued = this.queued;
    this.#tell("queue");
  }

  // Frames.

  /** @param {WebSocket} socket @param {any} text */
  #received(socket, text) {
    this.#lastHeard = Date.now();
    let frame;
    try {
      frame = JSON.parse(text);
    } catch {
      return this.#lost(socket, 1006, "the server sent what is no JSON");
    }
    switch (frame?.type) {
      case "welcome":
        this.#welcomed(socket, frame);
        break;
      case "joined":
        this.#joins.get(frame.id)?._joined(frame);
        break;
      case "message":
        this.#rooms.get(frame.room)?._message(frame);
        break;
      case "presence":
        this.#rooms.get(frame.room)?._presence(frame);
        break;
      case "lost":
        this.#rooms.get(frame.room)?._behind();
        break;
      case "present":
        this.#rooms.get(frame.room)?._present(frame);
        this.#settle(frame);
        break;
      case "request":
        this.#answer(socket, frame);
        break;
      case "error":
        this.#refused(new HubError(frame.code, frame.message), frame.id);
        break;
      default:
        this.#settle(frame); // of the types that answer; others come from a newer server
    }
  }

  /** @param {any} frame */
  #settle(frame) {
    this.#taken(frame?.id)?.resolve(frame);
  }

  /** @param {HubError} error @param {number | undefined} id */
  #refused(error, id) {
    const waiting = this.#taken(id);
    const room = this.#joins.get(id ?? NaN);
    if (waiting) waiting.reject(error);
    else if (room) room._refused(error);
    else this.#tell("error", error);
  }

  /** What waited for this answer, which nothing does any more. @param {number | undefined} id */
  #taken(id) {
    const waiting = this.#pending.get(id ?? NaN);
    if (waiting) clearTimeout(waiting.timer);
    this.#pending.delete(id ?? NaN);
    return waiting;
  }

  /** @param {WebSocket} socket @param {{ id: number, data: any }} request */
  async #answer(socket, { id, data }) {
    // Without a function for it the server learns from its own timeout.
    const answer = await this.#options.answer?.(data);
    if (answer !== undefined && socket === this.#socket) socket.send(JSON.stringify({ type: "ack", id, data: answer }));
  }

  /** @param {object} frame @param {number} [timeout] @returns {Promise<any>} the answer */
  #send(frame, timeout = this.#options.timeout) {
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      const late = () => this.#taken(id)?.reject(new HubError("timeout", "no answer in time"));
      this.#pending.set(id, { resolve, reject, timer: setTimeout(late, timeout) });
      this.#socket?.send(JSON.stringify({ ...frame, id }));
    });
  }

  /** Publishes what waits, a few at a time: so the browser's own buffer stays small, which nobody bounds. */
  #pump() {
    while (this.#state === "open" && this.#inFlight < MAX_IN_FLIGHT && this.#queue.length > 0) {
      const { frame, length, timeout, resolve, reject } = /** @type {Queued} */ (this.#queue.shift());
      this.#queuedLength -= length;
      this.#inFlight += 1;
      const done = () => {
        this.#inFlight -= 1;
        this.#pump();
      };
      this.#send(frame, timeout).then(resolve, reject).then(done);
    }
    this.#tellQueued();
  }

  // For rooms.

  /** @param {object} frame @param {{ timeout?: number }} [options] @returns {Promise<any>} */
  async _request(frame, { timeout } = {}) {
    if (this.#state !== "open") throw new HubError("offline", "there is no connection");
    return this.#send(frame, timeout);
  }

  /** @param {Room} room */
  _join(room) {
    for (const [id, other] of this.#joins) if (other === room) this.#joins.delete(id);
    const id = this.#nextId++;
    this.#joins.set(id, room);
    this.#socket?.send(JSON.stringify({ type: "join", id, room: room.name, ...room._wanted() }));
  }

  /** Joins again after a pause, if the room is wanted then. @param {Room} room */
  _joinLater(room) {
    const delay = this.#options.maxDelay / 10;
    this.#timers[`join ${room.name}`] = setTimeout(() => this._join(room), delay + this.#options.random() * delay);
  }

  /** @param {Room} room */
  _leave(room) {
    if (this._forget(room) && this.#state === "open") {
      this.#socket?.send(JSON.stringify({ type: "leave", room: room.name }));
    }
  }

  /** The room is not joined any more. False if it was not. @param {Room} room */
  _forget(room) {
    if (this.#rooms.get(room.name) !== room) return false;
    this.#rooms.delete(room.name);
    for (const [id, other] of this.#joins) if (other === room) this.#joins.delete(id);
    clearTimeout(this.#timers[`join ${room.name}`]);
    const waiting = this.#queue;
    this.#queue = [];
    for (const item of waiting) {
      if (item.frame.room === room.name) {
        this.#queuedLength -= item.length;
        item.reject(new HubError("closed", "the room was left"));
      } else {
        this.#queue.push(item);
      }
    }
    this.#tellQueued();
    return true;
  }
}

/**
 * A room that was joined; {@link Hub#join} gives it.
 *
 * Events: `message` with a {@link Message}; `joined` with `{ recovered, messages }`, at each connection, before the messages that were
 * missed; `gap` when it cannot be told what was missed: those messages will not come, though the newest ones follow if
 * they are wanted; `members` when {@link Room#members} has changed; `refused` with a {@link HubError}, after which the
 * room is left.
 */
export class Room extends EventTarget {
  /** @type {Hub} */ #hub;
  /** @type {RoomOptions} */ #options;
  /** A join is on its way: what is kept in the history comes with it. */ #joining = false;
  /** The join on its way asks for what follows a position. */ #resumes = false;

  /** Where in the room's history this client is. @type {string | undefined} */ position;
  /** Who is there, and what is said of them, if the room is watched. @type {Map<string, any>} */ members = new Map();

  /** @param {Hub} hub @param {string} name @param {RoomOptions} options */
  constructor(hub, name, options) {
    super();
    this.#hub = hub;
    this.#options = options;
    this.name = name;
  }

  /** Publishes here; see {@link Hub#publish}. @param {any} data @param {PublishOptions} [options] */
  publish(data, options) {
    return this.#hub.publish(this.name, data, options);
  }

  /**
   * Reads the history: all after `since`, or the newest messages. `exact` is false if it cannot be told what came after.
   * @param {{ since?: string, limit?: number, timeout?: number }} [options]
   * @returns {Promise<{ exact: boolean, position: string, messages: Message[] }>}
   */
  history({ since, limit, timeout } = {}) {
    return this.#hub._request({ type: "history", room: this.name, since, limit }, { timeout });
  }

  /** Asks who is there; also in rooms that are not watched. @returns {Promise<{ name: string, data?: any }[]>} */
  async present() {
    return (await this.#hub._request({ type: "presence", room: this.name })).members;
  }

  /** Says something else of oneself, here and at each connection. @param {any} data */
  async setPresence(data) {
    this.#options = { ...this.#options, presence: data };
    if (this.#hub.state === "open") await this.#hub._request({ type: "presence", room: this.name, data });
  }

  /** Leaves the room. What waits to be published there is rejected. */
  leave() {
    this.#hub._leave(this);
  }

  // For the hub.

  _wanted() {
    const { newest, presence, watch } = this.#options;
    this.#joining = true;
    this.#resumes = this.position !== undefined;
    return { ...(this.#resumes ? { since: this.position } : { newest }), presence, watch };
  }

  _disconnected() {
    this.#joining = false;
  }

  /** @param {{ recovered: boolean, messages: number, position?: string }} frame */
  _joined({ recovered, messages, position }) {
    this.#joining = false;
    const wanted = this.#resumes || (this.#options.newest ?? 0) > 0;
    if (wanted && position === undefined) {
      // The server cannot see the history now. Until it can, going on from here would skip what was missed.
      this.#joining = true;
      return this.#hub._joinLater(this);
    }
    if (this.#resumes && !recovered) {
      this.position = undefined;
      this.#tell("gap");
      if (this.#options.newest) return this.#hub._join(this);
    }
    // Otherwise it is that of the last message which follows, when that has arrived.
    if (!recovered || messages === 0) this.position = position;
    this.#tell("joined", { recovered, messages });
  }

  /** @param {Message} message */
  _message({ data, from, position }) {
    if (position !== undefined) {
      if (this.#joining) return;
      this.position = position;
    }
    this.#tell("message", { data, from, position });
  }

  /** Messages may be missing from here on. */
  _behind() {
    if (!this.#joining) this.#hub._join(this);
  }

  /** @param {{ members: { name: string, data?: any }[] }} frame */
  _present({ members }) {
    if (!this.#options.watch) return;
    this.members = new Map(members.map(({ name, data }) => [name, data]));
    this.#tell("members");
  }

  /** @param {{ event: string, name: string, data?: any }} frame */
  _presence({ event, name, data }) {
    if (event === "leave") this.members.delete(name);
    else this.members.set(name, data);
    this.#tell("members");
  }

  /** @param {HubError} error */
  _refused(error) {
    if (PASSING.has(error.code)) return this.#hub._joinLater(this);
    this.#hub._forget(this);
    this.#tell("refused", error);
  }

  /** @param {string} type @param {any} [detail] */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/**
 * Whether to come back after a connection ended like this; `after` so many milliseconds if the server says so, or `atLeast` so
 * many and then as usual.
 * @param {number} code @param {string} reason
 * @returns {{ retry: boolean, after?: number, atLeast: number }}
 */
export function verdict(code, reason) {
  const hint = /^reconnect-after=(\d{1,9})$/.exec(reason);
  if (hint) return { retry: true, after: Math.min(Number(hint[1]), MAX_HINT), atLeast: 0 };
  // A new token may help; nothing else does against a policy.
  if (code === 1008) return { retry: /^(not authenticated|authentication expired)$/.test(reason), atLeast: 0 };
  // 4000 and above are the application's: it has its reasons.
  return { retry: !FOR_GOOD.has(code) && code < 4000, atLeast: code === 1013 ? 2000 : 0 };
}

/** Closed in peace, or by a mistake of the client that it would make again. */
const FOR_GOOD = new Set([1000, 1002, 1003, 1007, 1010]);
/** Errors that say nothing against what was asked for. */
const PASSING = new Set(["closed", "timeout", "unavailable", "unconfirmed"]);
const VERSION = 1;
/** Nobody waits longer because of a hint. */
const MAX_HINT = 5 * 60_000;
/** After such a time a connection counts as a good one. */
const STABLE = 10_000;
const MIN_QUIET = 1000;
/** Timers go no further. */
const MAX_TIMER = 2 ** 31 - 1;
const MAX_IN_FLIGHT = 16;

const DEFAULTS = {
  timeout: 10_000,
  minDelay: 500,
  maxDelay: 30_000,
  maxQueued: 100,
  maxQueuedLength: 1 << 16,
  random: Math.random,
};

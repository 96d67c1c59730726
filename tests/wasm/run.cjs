// ws-wasm in Chromium and Firefox, in pages and in workers, over WebSocket and over WebSocketStream; and the examples for pages.
//
//     NODE_PATH=… node run.cjs --peer BINARY --chat BINARY --anywhere BINARY [--chromium BINARY] [--firefox BINARY] --pages DIR --out DIR [--only REGEXP]

"use strict";

const assert = require("node:assert/strict");
const { spawn } = require("node:child_process");
const { EventEmitter, once } = require("node:events");
const fs = require("node:fs");
const http = require("node:http");
const os = require("node:os");
const path = require("node:path");
const readline = require("node:readline");
const { parseArgs } = require("node:util");
const zlib = require("node:zlib");
const { chromium } = require("playwright-core");
const firefox = require("./firefox.cjs");
const { remove } = require("./remove.cjs");

const options = Object.fromEntries(["peer", "chat", "anywhere", "chromium", "firefox", "pages", "out", "only"].map(name => [name, { type: "string" }]));
const { values: args } = parseArgs({ options });
const PATIENCE = 60_000;
const children = new Set();
let passed = 0;
let failed = 0;

async function step(name, work) {
  if (args.only && !new RegExp(args.only).test(name)) return;
  try {
    await work();
    passed += 1;
    console.log(`  ok   ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`  FAIL ${name}: ${error.message}`);
  }
}

/** What comes first: the promise, or an error after a while. */
function inTime(promise, what) {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`${what} took too long`)), PATIENCE)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Starts a server, and gives the address that it prints. */
async function serve(name, binary, ...options) {
  const child = spawn(binary, options, { stdio: ["ignore", "pipe", "pipe"] });
  child.stderr.pipe(fs.createWriteStream(path.join(args.out, `${name}.log`)));
  children.add(child);
  child.on("exit", () => children.delete(child));
  for await (const line of readline.createInterface(child.stdout)) {
    const found = /http:\/\/(127\.0\.0\.1:\d+)/.exec(line);
    if (found) {
      child.stdout.resume();
      return found[1];
    }
  }
  throw new Error(`${name} did not start`);
}

const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".wasm": "application/wasm", ".css": "text/css" };

/** What pages tell that nobody drives, by the last part of the path. */
const told = new EventEmitter();

/** Serves the files of a directory, and hears what pages tell. */
async function files(directory) {
  const server = http.createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    if (request.method === "POST") {
      const body = await new Response(request).json();
      told.emit(path.basename(pathname), body);
      return response.end();
    }
    const file = path.join(directory, pathname === "/" ? "index.html" : path.basename(pathname));
    if (!fs.existsSync(file)) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": TYPES[path.extname(file)] ?? "text/plain" });
    fs.createReadStream(file).pipe(response);
  });
  await new Promise(resolve => server.listen(0, "127.0.0.1", resolve));
  return server;
}

/** Runs every test in one kind of place over one interface. */
async function tests(page, place, streamed, server, browser) {
  const run = (what, ...options) => page.evaluate(([place, what, options]) => globalThis[place](what, ...options), [place, what, options]);
  const kind = `${browser}, ${place === "inWindow" ? "window" : "worker"}, ${streamed ? "WebSocketStream" : "WebSocket"}`;
  for (const name of await run("names")) {
    await step(`${name} (${kind})`, async () => {
      try {
        await inTime(run("run", name, server, streamed), name);
      } catch (error) {
        // A module that has panicked is of no use any more.
        await page.reload();
        await page.waitForFunction(() => globalThis.isReady);
        throw error;
      }
    });
  }
}

/** Numbers of what Chromium keeps alive after its garbage is collected. */
async function alive(page, session) {
  await session.send("HeapProfiler.collectGarbage");
  await session.send("HeapProfiler.collectGarbage");
  let sockets = 0;
  for (const kind of ["WebSocket", "WebSocketStream"]) {
    const { result } = await session.send("Runtime.evaluate", { expression: `${kind}.prototype` });
    const { objects } = await session.send("Runtime.queryObjects", { prototypeObjectId: result.objectId });
    const { result: count } = await session.send("Runtime.callFunctionOn", {
      objectId: objects.objectId,
      functionDeclaration: "function () { return this.length; }",
      returnByValue: true,
    });
    await session.send("Runtime.releaseObject", { objectId: objects.objectId });
    sockets += count.value;
  }
  return { sockets, ...(await held(page)) };
}

/** What the module holds: objects of JavaScript, and bytes. */
async function held(page) {
  const [references, memory] = await page.evaluate(() => [...globalThis.inWindow("held")]);
  return { references, memory };
}

/** The memory of a process and of those that it has started, in bytes; NaN where the system does not tell. */
function memoryOf(browser) {
  if (!fs.existsSync("/proc/self/smaps_rollup")) return NaN;
  const parents = new Map();
  let sum = 0;
  for (const name of fs.readdirSync("/proc").filter(name => /^\d+$/.test(name))) {
    try {
      const stat = fs.readFileSync(`/proc/${name}/stat`, "utf8");
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
    } catch {} // It has ended.
  }
  const isOf = pid => pid === browser || (parents.has(pid) && isOf(parents.get(pid)));
  for (const pid of [...parents.keys()].filter(isOf)) {
    try {
      // What several processes share counts once.
      sum += Number(/^Pss: +(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))[1]) * 1024;
    } catch {}
  }
  return sum;
}

/** Has a browser of its own do this. Gives what the page tells, and by how much the memory of the browser has grown at the most. */
async function alone(binary, options, origin, ...what) {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), "browser-"));
  const url = `${origin}/alone.html#${encodeURIComponent(JSON.stringify(what))}`;
  const browser = spawn(binary, [...options(profile), url], { stdio: "ignore", env: { ...process.env, HOME: profile } });
  const gone = once(browser, "exit");
  let timer;
  try {
    const ended = once(told, "ended");
    await inTime(once(told, "begins"), "the start");
    const before = memoryOf(browser.pid);
    let most = before;
    timer = setInterval(() => (most = Math.max(most, memoryOf(browser.pid))), 200);
    const [{ value, held, error }] = await inTime(ended, "it");
    if (error) throw new Error(error);
    return { value, memory: held[1], grown: most - before };
  } finally {
    clearInterval(timer);
    browser.kill();
    await gone;
    await remove(profile);
  }
}

const MIB = 1 << 20;

/** A server floods the page, and nobody reads. */
async function floods(server, origin, name, binary, options) {
  const floods = [
    ["is closed", 1024, "close", false],
    ["is dropped", 2048, "newest", false],
  ];
  if (name === "Chromium") floods.push(["waits", 1024, "close", true]);
  for (const [what, mebibytes, way, streamed] of floods) {
    await step(`flood of ${mebibytes} MiB that ${what} does not fill the memory (${name})`, async () => {
      const { value, memory, grown } = await alone(binary, options, origin, "flooded", server, mebibytes * 16, streamed, way);
      const [queued, wasm, browser] = [value, memory, grown].map(bytes => Math.round(bytes / MIB));
      console.log(`       ${queued} MiB waited at the most, the module has ${wasm} MiB, the browser has grown by ${browser} MiB`);
      assert.ok(value <= 4 * MIB && memory <= 64 * MIB, "in the page");
      // What the page has dropped stays until the browser collects its garbage, when it likes; were it kept, all of it would stay.
      assert.ok(!(browser >= mebibytes), "in the browser");
    });
  }
}

async function leaks(page, session, server) {
  for (const streamed of [false, true]) {
    const kind = streamed ? "WebSocketStream" : "WebSocket";
    const run = (what, count) => inTime(page.evaluate(options => globalThis.inWindow(...options), [what, server, count, streamed]), "it");
    const leavesNothing = async (before, sockets) => {
      // The last of them close by themselves.
      let after;
      for (let look = 0; look < 20; look++) {
        await page.waitForTimeout(250);
        after = await alive(page, session);
        if (after.sockets <= before.sockets && after.references <= before.references) break;
      }
      console.log(`       before ${JSON.stringify(before)}, after ${JSON.stringify(after)}`);
      assert.ok(after.sockets <= before.sockets && after.sockets <= sockets, `${after.sockets} sockets`);
      assert.ok(after.references <= before.references, `${after.references} references, before ${before.references}`);
      return after;
    };
    await step(`two hundred sockets leave nothing behind (Chromium, ${kind})`, async () => {
      await run("churn", 200);
      await page.waitForTimeout(500);
      const before = await alive(page, session);
      for (let round = 0; round < 3; round++) {
        await run("churn", 200);
        // A browser counts those that are closing, too, and allows 255 to one server.
        await page.waitForTimeout(500);
      }
      const after = await leavesNothing(before, 2);
      assert.equal(after.memory, before.memory);
    });
    // Chromium 156 crashes the page when a WebSocketStream is lost while a write waits in it, in plain JavaScript as well.
    if (streamed) continue;
    await step("sockets that end in the middle of writes leave nothing behind (Chromium, WebSocket)", async () => {
      await run("stalled", 2);
      await page.waitForTimeout(1000);
      const before = await alive(page, session);
      for (let round = 0; round < 3; round++) await run("stalled", 4);
      await leavesNothing(before, 2);
    });
  }
}

async function inChromium(server, origin, peer) {
  const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  const browser = await chromium.launch({ executablePath: args.chromium, args: flags });
  try {
    const page = await browser.newPage();
    page.on("console", message => {
      if (message.type() === "error" && !/WebSocket|404|ERR_/.test(message.text())) console.log(`       ${message.text()}`);
    });
    page.on("pageerror", error => console.log(`       ${error.message}`));
    await page.goto(`${origin}/tests.html`);
    await page.waitForFunction(() => globalThis.isReady, undefined, { timeout: PATIENCE });
    for (const streamed of [false, true]) {
      for (const place of ["inWindow", "inWorker"]) await tests(page, place, streamed, server, "Chromium");
    }
    const session = await page.context().newCDPSession(page);
    await leaks(page, session, server);
    await page.close();
    await require("./examples.cjs").run({ browser, step, serve, args, origin, peer, assert, fs, path, zlib, PATIENCE });
  } finally {
    await browser.close();
  }
  await floods(server, origin, "Chromium", args.chromium, profile => [...flags, `--user-data-dir=${profile}`]);
}

/** Firefox has no WebSocketStream, and does not say what is alive. */
async function inFirefox(server, origin, peer) {
  const browser = await inTime(firefox.launch(args.firefox), "the start of Firefox");
  try {
    const page = await browser.newPage();
    await page.goto(`${origin}/tests.html`);
    await inTime(page.waitForFunction(() => globalThis.isReady), "the page");
    for (const place of ["inWindow", "inWorker"]) await tests(page, place, false, server, "Firefox");
    await step("two hundred sockets leave nothing behind (Firefox)", async () => {
      // It has 200 at a time at the most, those that are closing among them.
      const churn = () => inTime(page.evaluate(server => globalThis.inWindow("churn", server, 100, false), server), "it");
      await churn();
      const before = await held(page);
      await churn();
      assert.deepEqual(await held(page), before);
    });
    await require("./examples.cjs").runInFirefox({ page, step, args, origin, peer, assert, inTime, PATIENCE });
  } finally {
    await browser.close();
  }
  await floods(server, origin, "Firefox", args.firefox, firefox.options);
}

async function main() {
  fs.mkdirSync(args.out, { recursive: true });
  const peer = await serve("peer", args.peer);
  const pages = await files(args.pages);
  const origin = `http://127.0.0.1:${pages.address().port}`;
  try {
    if (args.chromium) await inChromium(`ws://${peer}`, origin, peer);
    if (args.firefox) await inFirefox(`ws://${peer}`, origin, peer);
  } finally {
    pages.close();
    for (const child of children) child.kill();
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed > 0 ? 1 : 0);
}

main().catch(error => {
  for (const child of children) child.kill();
  console.error(error);
  process.exit(1);
});

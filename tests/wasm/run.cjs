// ws-wasm in Chromium, in pages and in workers, over WebSocket and over WebSocketStream; and the examples for pages.
//
//     NODE_PATH=… node run.cjs --peer BINARY --chat BINARY --anywhere BINARY --browser /usr/bin/chromium --pages DIR --out DIR [--only REGEXP]

"use strict";

const assert = require("node:assert/strict");
const { spawn } = require("node:child_process");
const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");
const readline = require("node:readline");
const { parseArgs } = require("node:util");
const zlib = require("node:zlib");
const { chromium } = require("playwright-core");

const options = Object.fromEntries(["peer", "chat", "anywhere", "browser", "pages", "out", "only"].map(name => [name, { type: "string" }]));
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

/** Serves the files of a directory. */
async function files(directory) {
  const server = http.createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const file = path.join(directory, pathname === "/" ? "index.html" : path.basename(pathname));
    if (!fs.existsSync(file)) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": TYPES[path.extname(file)] ?? "text/plain" });
    fs.createReadStream(file).pipe(response);
  });
  await new Promise(resolve => server.listen(0, "127.0.0.1", resolve));
  return server;
}

/** Runs every test in one kind of place over one interface. */
async function tests(page, place, streamed, server) {
  const run = (what, ...options) => page.evaluate(([place, what, options]) => globalThis[place](what, ...options), [place, what, options]);
  const kind = `${place === "inWindow" ? "window" : "worker"}, ${streamed ? "WebSocketStream" : "WebSocket"}`;
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

/** Numbers of what is alive in the page after its garbage is collected. */
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
  const [references, memory] = await page.evaluate(() => [...globalThis.inWindow("held")]);
  return { sockets, references, memory };
}

async function leaks(page, session, server) {
  for (const streamed of [false, true]) {
    const kind = streamed ? "WebSocketStream" : "WebSocket";
    const churn = count => inTime(page.evaluate(options => globalThis.inWindow("churn", ...options), [server, count, streamed]), "it");
    await step(`two hundred sockets leave nothing behind (${kind})`, async () => {
      await churn(200);
      await page.waitForTimeout(500);
      const before = await alive(page, session);
      for (let round = 0; round < 3; round++) {
        await churn(200);
        // A browser counts those that are closing, too, and allows 255 to one server.
        await page.waitForTimeout(500);
      }
      // The last of them close by themselves.
      let after;
      for (let look = 0; look < 20; look++) {
        await page.waitForTimeout(250);
        after = await alive(page, session);
        if (after.sockets <= before.sockets && after.references <= before.references) break;
      }
      console.log(`       before ${JSON.stringify(before)}, after ${JSON.stringify(after)}`);
      assert.ok(after.sockets <= before.sockets && after.sockets <= 2, `${after.sockets} sockets`);
      assert.ok(after.references <= before.references, `${after.references} references, before ${before.references}`);
      assert.equal(after.memory, before.memory);
    });
    await step(`flood of 256 MiB does not fill the memory of the page (${kind})`, async () => {
      const queued = await inTime(page.evaluate(options => globalThis.inWindow("flooded", ...options), [server, 4096, streamed]), "it");
      const { memory } = await alive(page, session);
      const { usedSize } = await session.send("Runtime.getHeapUsage");
      console.log(`       ${queued} bytes wait; ${memory} bytes of wasm, ${usedSize} of JavaScript`);
      assert.ok(queued <= 4 << 20, `${queued} bytes wait`);
      assert.ok(memory <= 128 << 20 && usedSize <= 64 << 20, "the memory");
    });
  }
}

async function main() {
  fs.mkdirSync(args.out, { recursive: true });
  const peer = await serve("peer", args.peer);
  const pages = await files(args.pages);
  const origin = `http://127.0.0.1:${pages.address().port}`;
  const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  const browser = await chromium.launch({ executablePath: args.browser, args: flags });
  try {
    const page = await browser.newPage();
    page.on("console", message => {
      if (message.type() === "error" && !/WebSocket|404|ERR_/.test(message.text())) console.log(`       ${message.text()}`);
    });
    page.on("pageerror", error => console.log(`       ${error.message}`));
    await page.goto(`${origin}/tests.html`);
    await page.waitForFunction(() => globalThis.isReady, undefined, { timeout: PATIENCE });
    for (const streamed of [false, true]) {
      for (const place of ["inWindow", "inWorker"]) await tests(page, place, streamed, `ws://${peer}`);
    }
    const session = await page.context().newCDPSession(page);
    await leaks(page, session, `ws://${peer}`);
    await page.close();
    await require("./examples.cjs").run({ browser, step, serve, args, origin, peer, assert, fs, path, zlib, PATIENCE });
  } finally {
    await browser.close();
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

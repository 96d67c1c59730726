// Headless Chromium and our server over TLS: pages and WebSockets on one connection of HTTP/2, and the same over HTTP/1.1.
'use strict';
const { spawn } = require('node:child_process');
const { createInterface } = require('node:readline');
const { parseArgs } = require('node:util');
const { chromium } = require('playwright-core');

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--no-proxy-server'];
const SOCKETS = 12;
const PATIENCE = 60_000;

// What the page does: sockets that are all open at once, each of which gets back what it sends, and closes in one of three ways.
async function inPage(count) {
  const opened = (socket) => new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onclose = ({ code }) => reject(new Error(`refused or lost: ${code}`));
  });
  const next = (socket) => new Promise((resolve, reject) => {
    socket.onmessage = ({ data }) => resolve(data);
    socket.onclose = ({ code }) => reject(new Error(`ended with ${code}`));
  });
  const echoed = async (socket, data) => {
    const answer = next(socket);
    socket.send(data);
    const got = await answer;
    const bytes = (value) => (typeof value === 'string' ? value : new Uint8Array(value).join());
    if (bytes(got) !== bytes(data)) throw new Error(`${data.length} bytes came back as something else`);
  };
  const closed = (socket, close) => new Promise((resolve) => {
    socket.onclose = ({ code, reason, wasClean }) => resolve([code, reason, wasClean]);
    close();
  });
  const url = `wss://${location.host}/ws`;
  const sockets = Array.from({ length: count }, () => new WebSocket(url));
  for (const socket of sockets) socket.binaryType = 'arraybuffer';
  await Promise.all(sockets.map(opened));
  const large = Uint8Array.from({ length: 300_000 }, (_, index) => Math.imul(index, index) & 255);
  await Promise.all(sockets.map(async (socket, number) => {
    for (let turn = 0; turn < 20; turn += 1) await echoed(socket, `message ${turn} of socket ${number} and some more of it`);
    await echoed(socket, '');
    await echoed(socket, 'wörld '.repeat(20_000));
    await echoed(socket, large);
  }));
  // Pages go on beside them.
  const pages = await Promise.all([1, 2, 3].map(async () => (await fetch('/', { cache: 'no-store' })).status));
  const ends = await Promise.all(sockets.map((socket, number) => closed(socket, [
    () => socket.close(), () => socket.close(4000, 'done'), () => socket.send('close me'),
  ][number % 3])));
  return { pages, ends, extensions: sockets.map(({ extensions }) => extensions) };
}

class Server {
  constructor(binary) {
    this.events = [];
    this.child = spawn(binary, [], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.port = new Promise((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('exit', () => reject(new Error('the server ended')));
      createInterface({ input: this.child.stdout }).on('line', (line) => {
        const event = JSON.parse(line);
        if (event.listening) resolve(event.listening);
        else this.events.push(event);
      });
    });
  }

  of(kind) {
    return this.events.filter((event) => kind in event).map((event) => event[kind]);
  }

  // Every socket has told how it ended.
  async ends(count) {
    for (const deadline = Date.now() + PATIENCE; this.of('end').length < count && Date.now() < deadline;) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return this.of('end');
  }

  stop() {
    this.child.stdin.end();
  }
}

let passed = 0;
let failed = 0;
function check(what, got, expected) {
  const same = JSON.stringify(got) === JSON.stringify(expected);
  if (same) passed += 1;
  else failed += 1;
  console.log(`${what}: ${same ? 'as expected' : `${JSON.stringify(got)} instead of ${JSON.stringify(expected)}`}`);
}

async function run(values, version, flags) {
  const server = new Server(values.ours);
  const browser = await chromium.launch({ executablePath: values.browser, headless: true, args: [...FLAGS, ...flags] });
  try {
    const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
    page.setDefaultTimeout(PATIENCE);
    await page.goto(`https://127.0.0.1:${await server.port}/`);
    const { pages, ends, extensions } = await page.evaluate(inPage, SOCKETS);
    // A reason is not echoed.
    const kinds = [[1005, '', true], [4000, '', true], [4001, 'as you wish', true]];
    check(`${version}: pages beside the sockets`, pages, [200, 200, 200]);
    check(`${version}: the browser's close events`, ends, ends.map((_, number) => kinds[number % 3]));
    check(`${version}: compressed`, extensions.filter((text) => text.startsWith('permessage-deflate')).length, SOCKETS);
    const sockets = server.of('socket');
    const over = sockets.filter(([, its]) => its === version).length;
    console.log(`${over} of ${sockets.length} WebSockets came over ${version}`);
    check(`${version}: versions of the sockets`, over, SOCKETS);
    const connections = new Set([...server.of('page'), ...sockets].map(([number]) => number));
    if (version === 'HTTP/2.0') check(`${version}: connections for all of it`, connections.size, 1);
    // A close frame of 4000 is an error to whoever reads; that of the server and one without a code are none.
    const normal = (await server.ends(SOCKETS)).filter((end) => end === 'closed').length;
    check(`${version}: normal ends at the server`, normal, SOCKETS - SOCKETS / 3);
  } finally {
    await browser.close();
    server.stop();
  }
}

async function main() {
  const { values } = parseArgs({ options: { ours: { type: 'string' }, browser: { type: 'string' } } });
  for (const [version, flags] of [['HTTP/2.0', []], ['HTTP/1.1', ['--disable-http2']]]) {
    try {
      await run(values, version, flags);
    } catch (error) {
      failed += 1;
      console.log(`${version}: ${error}`);
    }
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed || !passed ? 1 : 0);
}

main();

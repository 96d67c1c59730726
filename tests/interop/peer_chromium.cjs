// A page in headless Chromium as an endpoint that is told what to do in JSON lines; README.md lists them. Always a client.
'use strict';
const { createHash } = require('node:crypto');
const { createInterface } = require('node:readline');
const { parseArgs } = require('node:util');
const { chromium } = require('playwright-core');

const SHORT = 64;
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--no-proxy-server'];
const say = (event) => process.stdout.write(JSON.stringify(event) + '\n');
const failed = (error) => say({ error: String(error) });
const describeBinary = (data) => `${data.length} bytes, sha1 ${createHash('sha1').update(data).digest('hex')}`;
const describeText = (data) => (data.length <= SHORT ? data.toString('utf8') : describeBinary(data));

// The parameters that the browser shows in `WebSocket.extensions`.
function agreed(extensions) {
  const [name, ...words] = extensions.split(';').map((word) => word.trim());
  if (name !== 'permessage-deflate') return null;
  const values = new Map(words.map((word) => word.split('=')));
  const bits = (key) => Number(values.get(key) ?? 15);
  return [values.has('server_no_context_takeover'), values.has('client_no_context_takeover'),
    bits('server_max_window_bits'), bits('client_max_window_bits')];
}

// What the page does. The data of a message comes out in Base64.
function inPage() {
  const noise = (length, seed) => {
    let state = seed >>> 0;
    return Uint8Array.from({ length }, () => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 16) & 255;
    });
  };
  const base64 = (buffer) => {
    const bytes = new Uint8Array(buffer);
    let text = '';
    for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
    return btoa(text);
  };
  let socket;
  window.commands = {
    connect: (url, { subprotocols = [] }) => {
      socket = new WebSocket(url, subprotocols);
      socket.binaryType = 'arraybuffer';
      socket.onopen = () => tell({ open: [socket.protocol || null, socket.extensions] });
      socket.onmessage = ({ data }) => tell(typeof data === 'string'
        ? { text: base64(new TextEncoder().encode(data)) } : { binary: base64(data) });
      socket.onclose = ({ code, reason }) => tell(code === 1006 ? { lost: true } : { close: [code, reason] });
    },
    send_text: (text) => socket.send(text),
    send_text_times: ([unit, times]) => socket.send(unit.repeat(times)),
    send_binary: ([length, seed]) => socket.send(Uint8Array.from({ length }, (_, index) => (seed + index) % 251)),
    send_noise: ([length, seed]) => socket.send(noise(length, seed)),
    close: (frame) => (frame ? socket.close(...frame) : socket.close()),
  };
}

function tell(event) {
  const [[name, value]] = Object.entries(event);
  if (name === 'open') say({ open: { subprotocol: value[0], extensions: value[1], deflate: agreed(value[1]) } });
  else if (name === 'text') say({ text: describeText(Buffer.from(value, 'base64')) });
  else if (name === 'binary') say({ binary: describeBinary(Buffer.from(value, 'base64')) });
  else say(event);
}

async function main() {
  // The browser's offer is its own: what is asked of the others is ignored.
  const { values } = parseArgs({ options: { browser: { type: 'string' }, deflate: { type: 'string' } } });
  const browser = await chromium.launch({ executablePath: values.browser, headless: true, args: FLAGS });
  const page = await browser.newPage();
  await page.exposeFunction('tell', tell);
  await page.evaluate(inPage);
  // One after the other, in the order in which they come.
  let last = Promise.resolve();
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      const run = (text) => {
        const command = JSON.parse(text);
        const [name] = Object.keys(command);
        window.commands[name](command[name], command);
      };
      last = last.then(() => page.evaluate(run, line)).catch(failed);
    })
    .on('close', () => browser.close().then(() => process.exit(0)));
}

main().catch((error) => {
  failed(error);
  process.exit(1);
});

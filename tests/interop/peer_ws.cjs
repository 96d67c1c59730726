// Node's `ws` as an endpoint that is told what to do in JSON lines; README.md lists them.
'use strict';
const { createHash } = require('node:crypto');
const { createInterface } = require('node:readline');
const { parseArgs } = require('node:util');
const { WebSocket, WebSocketServer } = require('ws');

const SHORT = 64;
const say = (event) => process.stdout.write(JSON.stringify(event) + '\n');
const describeBinary = (data) => `${data.length} bytes, sha1 ${createHash('sha1').update(data).digest('hex')}`;
const describeText = (data) => (data.length <= SHORT ? data.toString('utf8') : describeBinary(data));
const pattern = (length, seed) => Buffer.from(Uint8Array.from({ length }, (_, index) => (seed + index) % 251));
const noise = (length, seed) => {
  let state = seed >>> 0;
  return Buffer.from(Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 16) & 255;
  }));
};
const failed = (error) => error && say({ error: String(error) });

let socket;

function attach(next) {
  socket = next;
  const opened = () => say({ open: { subprotocol: next.protocol || null, extensions: next.extensions, ...agreed() } });
  const agreed = () => {
    if (values.deflate === undefined) return {};
    const extension = next._extensions['permessage-deflate'];
    if (!extension) return { deflate: null };
    const { server_no_context_takeover: server, client_no_context_takeover: client, ...bits } = extension.params;
    return { deflate: [!!server, !!client, bits.server_max_window_bits ?? 15, bits.client_max_window_bits ?? 15] };
  };
  if (next.readyState === WebSocket.OPEN) opened();
  else next.on('open', opened);
  next.on('message', (data, isBinary) =>
    say(isBinary ? { binary: describeBinary(data) } : { text: describeText(data) }));
  next.on('ping', (data) => say({ ping: data.toString('utf8') }));
  next.on('pong', (data) => say({ pong: data.toString('utf8') }));
  next.on('close', (code, reason) =>
    say(code === 1006 ? { lost: true } : { close: [code, reason.toString('utf8')] }));
  next.on('error', (error) => failed(error));
}

const commands = {
  connect: (url, { subprotocols = [] }) => attach(new WebSocket(url, subprotocols, { perMessageDeflate: deflate ?? true })),
  send_text: (text) => socket.send(text, failed),
  send_text_times: ([unit, times]) => socket.send(unit.repeat(times), failed),
  send_binary: ([length, seed]) => socket.send(pattern(length, seed), failed),
  send_noise: ([length, seed]) => socket.send(noise(length, seed), failed),
  send_fragments: ({ kind, parts }) => {
    parts.forEach((part, index) => {
      if (typeof part === 'object') socket.ping(part.ping, undefined, failed);
      else socket.send(Buffer.from(part, 'hex'), { binary: kind === 'binary', fin: index === parts.length - 1 }, failed);
    });
  },
  ping: (payload) => socket.ping(payload, undefined, failed),
  close: (frame) => (frame ? socket.close(...frame) : socket.close()),
  drop: () => socket.terminate(),
};

const { values } = parseArgs({
  options: { listen: { type: 'string' }, deflate: { type: 'string' }, subprotocol: { type: 'string', multiple: true, default: [] } },
});
// What `--deflate` says, in the names of `ws`. Without it a client offers compression, and a server declines it: the defaults.
const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
const setting = (item) => item.split('=').map((part, index) => (index ? Number(part) : camel(part)));
const deflate = values.deflate === undefined ? undefined
  : Object.fromEntries(values.deflate.split(',').filter(Boolean).map(setting).map(([name, value = true]) => [name, value]));
if (values.listen) {
  const [host, port] = values.listen.split(':');
  const handleProtocols = (offered) => [...offered].find((name) => values.subprotocol.includes(name)) ?? false;
  const server = new WebSocketServer({ host, port: Number(port), handleProtocols, maxPayload: 0, perMessageDeflate: deflate ?? false });
  server.on('listening', () => say({ listening: server.address().port }));
  server.on('connection', attach);
}
createInterface({ input: process.stdin })
  .on('line', (line) => {
    try {
      const command = JSON.parse(line);
      const [name] = Object.keys(command);
      commands[name](command[name], command);
    } catch (error) {
      failed(error);
    }
  })
  .on('close', () => process.exit(0));

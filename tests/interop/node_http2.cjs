// Node's http2 as a server, with frames by `ws`: our client opens WebSockets as streams of one connection, and over HTTP/1.1
// when the server does not say that it takes them.
'use strict';
const { spawn } = require('node:child_process');
const http2 = require('node:http2');
const { createInterface } = require('node:readline');
const { parseArgs } = require('node:util');
const { WebSocket, WebSocketServer } = require('ws');

const PATIENCE = 60_000;
const SOCKETS = 12;

const { values } = parseArgs({ options: { ours: { type: 'string', default: 'http2-client' } } });

const echo = (socket) => socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));

// A stream has not all that `ws` asks of a socket.
function overHttp2(stream) {
  stream.setNoDelay = () => {};
  const socket = new WebSocket(null, undefined, { isServer: true });
  socket.setSocket(stream, Buffer.alloc(0), { allowSynchronousEvents: true, maxPayload: 1 << 20, skipUTF8Validation: false });
  echo(socket);
}

const pem = (kind, bytes) => `-----BEGIN ${kind}-----
${Buffer.from(bytes).toString('base64').match(/.{1,64}/g).join('\n')}
-----END ${kind}-----
`;

function serve({ cert, key }, enableConnectProtocol) {
  const saw = { sessions: 0, connects: [], upgrades: 0 };
  const identity = { cert: pem('CERTIFICATE', cert), key: pem('PRIVATE KEY', key) };
  const server = http2.createSecureServer({ ...identity, allowHTTP1: true, settings: { enableConnectProtocol } });
  server.on('session', () => { saw.sessions += 1; });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    saw.connects.push(headers);
    if (headers[':path'] === '/refused') return stream.respond({ ':status': 403 }, { endStream: true });
    stream.respond({ ':status': 200, 'sec-websocket-protocol': 'chat' });
    return overHttp2(stream);
  });
  const upgrades = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    if (request.url === '/refused') return socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
    saw.upgrades += 1;
    return upgrades.handleUpgrade(request, socket, head, echo);
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve({ server, saw, port: server.address().port }));
  });
}

async function talk(enableConnectProtocol) {
  const child = spawn(values.ours, { stdio: ['pipe', 'pipe', 'inherit'] });
  const timer = setTimeout(() => child.kill(), PATIENCE);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => JSON.parse((await lines.next()).value ?? '{"ended":true}');
  const { server, saw, port } = await serve(await line(), enableConnectProtocol);
  child.stdin.end(`${port}\n`);
  const said = await line();
  clearTimeout(timer);
  child.kill();
  server.close();
  return { said, saw };
}

function check(problems, what, is, should) {
  if (JSON.stringify(is) !== JSON.stringify(should)) problems.push(`${what}: ${JSON.stringify(is)}, not ${JSON.stringify(should)}`);
}

async function main() {
  let failed = 0;
  for (const enabled of [true, false]) {
    const problems = [];
    const { said, saw } = await talk(enabled);
    check(problems, 'status of the refusal', said.refused, 403);
    check(problems, 'versions', said.versions, Array(SOCKETS).fill(enabled ? 'HTTP/2.0' : 'HTTP/1.1'));
    check(problems, 'connections of HTTP/2', saw.sessions, 1);
    check(problems, 'WebSockets of HTTP/1.1', saw.upgrades, enabled ? 0 : SOCKETS);
    if (enabled) {
      const [, first] = saw.connects;
      check(problems, 'subprotocol', said.subprotocol, 'chat');
      check(problems, ':protocol', [first[':method'], first[':protocol'], first[':scheme']], ['CONNECT', 'websocket', 'https']);
      check(problems, 'version', first['sec-websocket-version'], '13');
      check(problems, 'streams', saw.connects.length, SOCKETS + 1);
    }
    console.log(`our client, Node's server ${enabled ? 'with' : 'without'} WebSockets over HTTP/2: ` +
      (problems.length ? 'not as expected' : `${SOCKETS} WebSockets`));
    for (const problem of problems) console.log(`  ${problem}`);
    failed += problems.length > 0;
  }
  console.log(`${2 - failed} passed, ${failed} failed`);
  process.exit(failed ? 1 : 0);
}

main();

// Serves with Node's `ws` in its default settings, compressed where the client offers that. Ends with its standard input.
'use strict';
const { WebSocketServer } = require('ws');

const broadcast = process.env.WS_BENCH_TRAFFIC === 'broadcast';
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: true });
server.on('listening', () => console.log(`listening on 127.0.0.1:${server.address().port}`));
server.on('connection', (socket) => {
  socket.on('message', (data, binary) => {
    for (const client of broadcast ? server.clients : [socket]) client.send(data, { binary });
  });
  // The generator resets its connections.
  socket.on('error', () => {});
});
process.stdin.on('end', () => process.exit(0)).resume();

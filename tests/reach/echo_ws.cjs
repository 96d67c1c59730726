// An echo by Node's ws: prints its port. With two arguments, a certificate and its key, it speaks TLS.
'use strict';

const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const { WebSocketServer } = require('ws');

const [cert, key] = process.argv.slice(2);
const server = cert
  ? https.createServer({ cert: fs.readFileSync(cert), key: fs.readFileSync(key) })
  : http.createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: true, handleProtocols: (offered) => [...offered].pop() });
sockets.on('connection', (socket) => {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  socket.on('error', (error) => console.error(error.message));
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));

// SPDX-License-Identifier: MIT

// An echo server as Node's documentation would have it: node echo.js PORT [CERTIFICATE KEY]
const fs = require('fs');
const [port, certificate, key] = process.argv.slice(2);

function serve(socket) {
  socket.setNoDelay(true);
  socket.on('error', () => {});
  socket.pipe(socket);
}

const server = certificate
  ? require('tls').createServer({ cert: fs.readFileSync(certificate), key: fs.readFileSync(key) }, serve)
  : require('net').createServer(serve);
server.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 });

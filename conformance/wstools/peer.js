// Usage: peer.js client URL | peer.js server
// The client asks a server that echoes for all that ws can do; the server echoes.
'use strict';
const assert = require('node:assert');
const {once} = require('node:events');
const WebSocket = require('ws');

const sizes = [0, 1, 125, 126, 65535, 65536, 1 << 20];

async function converse(url, perMessageDeflate) {
	const socket = new WebSocket(url, ['none', 'echo.v1', 'echo.v2'],
		{perMessageDeflate, rejectUnauthorized: false, handshakeTimeout: 10000});
	await once(socket, 'open');
	assert.equal(socket.protocol, 'echo.v2', 'the server has its order');
	assert.equal(socket.extensions, perMessageDeflate ? 'permessage-deflate' : '');
	for (const size of sizes) {
		for (const binary of [false, true]) {
			const sent = binary ? Buffer.alloc(size, size & 255) : Buffer.from('ä'.repeat(size >> 1) + 'a'.repeat(size & 1));
			const got = once(socket, 'message');
			socket.send(sent, {binary});
			const [data, isBinary] = await got;
			assert.equal(isBinary, binary);
			assert(data.equals(sent), `${size} bytes, binary ${binary}`);
		}
	}
	const whole = once(socket, 'message');
	socket.send('in ', {fin: false});
	socket.send('three ', {fin: false});
	socket.ping('between');
	const [pong] = await once(socket, 'pong');
	assert.equal(pong.toString(), 'between');
	socket.send('parts', {fin: true});
	assert.equal((await whole)[0].toString(), 'in three parts');
	socket.close(4321, 'enough');
	const [code] = await once(socket, 'close');
	assert.equal(code, 4321);
}

async function client(url) {
	await converse(url, true);
	await converse(url, {threshold: 0, clientNoContextTakeover: true, serverNoContextTakeover: true});
	await converse(url, false);
	console.log('all is well');
}

function server() {
	const s = new WebSocket.Server({host: '127.0.0.1', port: 0, perMessageDeflate: {threshold: 0}, maxPayload: 32 << 20,
		handleProtocols: offered => offered.has('echo.v1') ? 'echo.v1' : false});
	s.on('listening', () => console.log(`listening 127.0.0.1:${s.address().port}`));
	s.on('connection', socket => socket.on('message', (data, binary) => socket.send(data, {binary})));
}

if (process.argv[2] === 'client') {
	client(process.argv[3]).catch(err => {
		console.error(err);
		process.exit(1);
	});
} else {
	server();
}

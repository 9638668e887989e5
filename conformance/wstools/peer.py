# Usage: peer.py client URL | peer.py server
# The client asks a server that echoes for all that websockets can do; the server echoes.
import asyncio
import ssl
import sys

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

SIZES = [0, 1, 125, 126, 65535, 65536, 1 << 20]
MOST = 32 << 20


async def converse(url, compression):
    context = None
    if url.startswith("wss:"):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    async with connect(url, ssl=context, compression=compression, max_size=MOST, proxy=None,
                       subprotocols=["none", "echo.v1", "echo.v2"]) as socket:
        assert socket.subprotocol == "echo.v2", socket.subprotocol
        extensions = [e.name for e in socket.protocol.extensions]
        assert extensions == (["permessage-deflate"] if compression else []), extensions
        for size in SIZES:
            for sent in ("ä€𝄞"[size % 3] * size, bytes(i & 255 for i in range(size))):
                await socket.send(sent)
                assert await socket.recv() == sent, size
        await socket.send(["in ", "three ", "parts"])
        assert await socket.recv() == "in three parts"
        await asyncio.wait_for(await socket.ping(b"data"), 10)
        await socket.close(4321, "enough")
        assert socket.close_code == 4321, socket.close_code


async def client(url):
    for compression in ("deflate", None):
        await converse(url, compression)
    print("all is well")


async def echo(socket):
    try:
        async for message in socket:
            await socket.send(message)
    except ConnectionClosed:
        pass


async def server():
    async with serve(echo, "127.0.0.1", 0, max_size=MOST, subprotocols=["echo.v1"]) as s:
        print("listening 127.0.0.1:%d" % s.sockets[0].getsockname()[1], flush=True)
        await s.serve_forever()


asyncio.run(client(sys.argv[2]) if sys.argv[1] == "client" else server())

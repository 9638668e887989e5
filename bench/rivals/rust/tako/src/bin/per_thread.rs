//! tako-rs with one single-threaded tokio runtime and listener per worker.

use std::io;
use std::net::SocketAddr;

use boot::Options;
use socket2::{Domain, Socket, Type};
use tako::{PerThreadConfig, spawn_per_thread};

fn main() -> io::Result<()> {
    let options = Options::from_args();
    let reserved = reserve(options.addr)?;
    let addr = reserved.local_addr()?.as_socket().expect("an IP address");
    let config = PerThreadConfig {
        workers: options.workers,
        ..Default::default()
    };
    let (workers, shutdown) = spawn_per_thread(&addr.to_string(), app::router(), config)?;
    tokio::runtime::Builder::new_current_thread()
        .build()?
        .block_on(shutdown.wait_for_bind_outcome(options.workers))?;
    boot::announce(addr);
    for worker in workers {
        let _ = worker.join();
    }
    Ok(())
}

/// Every worker binds the address itself, so port 0 has to become one port first. A bound
/// socket that never listens keeps it and is sent no connections.
fn reserve(addr: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.bind(&addr.into())?;
    Ok(socket)
}

//! What every Rust rival shares: its two options, its listener, its line on
//! standard output, and the values it answers with.

mod model;
mod options;

pub use model::{NewUser, Search, User, from_pairs};
pub use options::Options;

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};

/// Binds the address without blocking mode, as the async runtimes want it.
pub fn listen(options: &Options) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(options.addr)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Tells the load runner where to connect.
pub fn announce(addr: SocketAddr) {
    println!("listening {addr}");
    // Standard output is a pipe here and would be buffered.
    let _ = io::stdout().flush();
}

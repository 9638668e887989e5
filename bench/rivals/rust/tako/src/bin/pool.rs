//! tako-rs on tokio's multi-threaded runtime.

use boot::Options;
use tako::Server;
use tako::types::BoxError;

fn main() -> Result<(), BoxError> {
    let options = Options::from_args();
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(options.workers)
        .enable_all()
        .build()?
        .block_on(serve(options))
}

async fn serve(options: Options) -> Result<(), BoxError> {
    let listener = tokio::net::TcpListener::from_std(boot::listen(&options)?)?;
    let addr = listener.local_addr()?;
    let handle = Server::builder()
        .build()
        .try_spawn_http(listener, app::router())?;
    boot::announce(addr);
    handle.result().await?;
    Ok(())
}

//! HTTP/2 in clear text, and TLS, neither of which `axum::serve` configures: hyper-util's
//! server that tells the protocols apart, and tokio-rustls.

use std::io;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

pub async fn serve(listener: TcpListener, app: Router, pair: Option<&Path>) -> io::Result<()> {
    let acceptor = match pair {
        Some(pair) => Some(TlsAcceptor::from(Arc::new(tls::config(pair)?))),
        None => None,
    };
    loop {
        let (stream, _) = listener.accept().await?;
        let _ = stream.set_nodelay(true);
        let app = app.clone();
        match acceptor.clone() {
            None => {
                tokio::spawn(speak(stream, app));
            }
            Some(acceptor) => {
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        speak(stream, app).await;
                    }
                });
            }
        }
    }
}

async fn speak<S>(stream: S, app: Router)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // A client that goes away is no error here.
    let _ = auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(app))
        .await;
}

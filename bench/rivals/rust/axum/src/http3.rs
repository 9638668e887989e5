//! HTTP/3 by quinn and h3, on one socket. Requests are taken to have no body.

use std::io;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use boot::Options;
use bytes::Bytes;
use h3::server::RequestStream;
use h3_quinn::BidiStream;
use http_body_util::BodyExt;
use quinn::crypto::rustls::QuicServerConfig;
use quinn::{Endpoint, EndpointConfig, Incoming, ServerConfig, TokioRuntime};
use tower_service::Service;

type Failure = Box<dyn std::error::Error + Send + Sync>;

pub async fn serve(options: &Options, app: Router, pair: &Path) -> io::Result<()> {
    let mut tls = tls::config(pair)?;
    tls.alpn_protocols = vec![b"h3".to_vec()];
    let quic = QuicServerConfig::try_from(tls).map_err(io::Error::other)?;
    let endpoint = Endpoint::new(
        EndpointConfig::default(),
        Some(ServerConfig::with_crypto(Arc::new(quic))),
        std::net::UdpSocket::bind(options.addr)?,
        Arc::new(TokioRuntime),
    )?;
    boot::announce(endpoint.local_addr()?);
    while let Some(incoming) = endpoint.accept().await {
        // A client that goes away is no error here, nor below.
        tokio::spawn(speak(incoming, app.clone()));
    }
    Ok(())
}

async fn speak(incoming: Incoming, app: Router) -> Result<(), Failure> {
    let conn = h3_quinn::Connection::new(incoming.await?);
    let mut conn = h3::server::Connection::<_, Bytes>::new(conn).await?;
    while let Some(resolver) = conn.accept().await? {
        let app = app.clone();
        tokio::spawn(async move {
            let (request, stream) = resolver.resolve_request().await?;
            answer(request, stream, app).await
        });
    }
    Ok(())
}

async fn answer(
    request: Request<()>,
    mut stream: RequestStream<BidiStream<Bytes>, Bytes>,
    mut app: Router,
) -> Result<(), Failure> {
    let (head, mut body) = app
        .call(request.map(|()| Body::empty()))
        .await?
        .into_parts();
    stream
        .send_response(axum::http::Response::from_parts(head, ()))
        .await?;
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            stream.send_data(data).await?;
        }
    }
    stream.finish().await?;
    Ok(())
}

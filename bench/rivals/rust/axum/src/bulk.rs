//! Large bodies, in pieces as our server sends them.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderName, StatusCode};
use futures_util::{StreamExt, stream};

static CHUNK: [u8; 64 << 10] = [b'x'; 64 << 10];

pub async fn send(Path(n): Path<usize>) -> ([(HeaderName, String); 2], Body) {
    let pieces = stream::unfold(n, async |left| {
        let piece = left.min(CHUNK.len());
        let bytes = Bytes::from_static(&CHUNK[..piece]);
        (piece > 0).then_some((Ok::<_, Infallible>(bytes), left - piece))
    });
    let head = [
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
        (CONTENT_LENGTH, n.to_string()),
    ];
    (head, Body::from_stream(pieces))
}

pub async fn take(body: Body) -> Result<String, StatusCode> {
    let mut pieces = body.into_data_stream();
    let mut n = 0;
    while let Some(piece) = pieces.next().await {
        n += piece.map_err(|_| StatusCode::BAD_REQUEST)?.len();
    }
    Ok(format!("{{\"bytes\":{n}}}"))
}

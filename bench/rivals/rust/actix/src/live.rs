//! WebSocket echo, a room that sends to all, and server-sent events.

use std::convert::Infallible;

use actix_web::web::{Bytes, Data, Payload};
use actix_web::{Error, HttpRequest, HttpResponse, Responder, rt};
use actix_ws::Message;
use futures_util::StreamExt;
use tokio::sync::broadcast::{self, Sender, error::RecvError};
use tokio_stream::wrappers::BroadcastStream;

/// How many messages may wait for a receiver.
const QUEUE: usize = 256;

#[derive(Clone)]
pub struct Rooms {
    messages: Sender<Bytes>,
    events: Sender<Bytes>,
}

impl Rooms {
    pub fn new() -> Self {
        Rooms {
            messages: broadcast::channel(QUEUE).0,
            events: broadcast::channel(QUEUE).0,
        }
    }
}

pub async fn echo(req: HttpRequest, body: Payload) -> Result<impl Responder, Error> {
    let (response, mut session, stream) = actix_ws::handle(&req, body)?;
    let mut stream = stream.max_frame_size(1 << 20);
    rt::spawn(async move {
        while let Some(Ok(message)) = stream.next().await {
            let sent = match message {
                Message::Text(text) => session.text(text).await,
                Message::Binary(bytes) => session.binary(bytes).await,
                Message::Ping(bytes) => session.pong(&bytes).await,
                Message::Close(_) => break,
                _ => Ok(()),
            };
            if sent.is_err() {
                return;
            }
        }
        let _ = session.close(None).await;
    });
    Ok(response)
}

pub async fn room(
    req: HttpRequest,
    body: Payload,
    rooms: Data<Rooms>,
) -> Result<impl Responder, Error> {
    let (response, mut session, stream) = actix_ws::handle(&req, body)?;
    let mut stream = stream.max_frame_size(1 << 20);
    let messages = rooms.messages.clone();
    let mut inbox = messages.subscribe();
    let mut to = session.clone();
    let passing = rt::spawn(async move {
        loop {
            match inbox.recv().await {
                Ok(bytes) => {
                    if to.binary(bytes).await.is_err() {
                        return;
                    }
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    });
    rt::spawn(async move {
        while let Some(Ok(message)) = stream.next().await {
            match message {
                Message::Text(text) => {
                    let _ = messages.send(text.into_bytes());
                }
                Message::Binary(bytes) => {
                    let _ = messages.send(bytes);
                }
                Message::Ping(bytes) => {
                    let _ = session.pong(&bytes).await;
                }
                Message::Close(_) => break,
                _ => {}
            }
        }
        passing.abort();
    });
    Ok(response)
}

pub async fn events(rooms: Data<Rooms>) -> impl Responder {
    let stream = BroadcastStream::new(rooms.events.subscribe())
        .filter_map(|event| async { event.ok().map(Ok::<_, Infallible>) });
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(("Cache-Control", "no-cache"))
        .streaming(stream)
}

pub async fn publish(rooms: Data<Rooms>, body: Bytes) -> impl Responder {
    let mut event = Vec::with_capacity(body.len() + 8);
    event.extend_from_slice(b"data: ");
    event.extend_from_slice(&body);
    event.extend_from_slice(b"\n\n");
    let _ = rooms.events.send(event.into());
    HttpResponse::NoContent().finish()
}

//! WebSocket echo, a room that sends to all, and server-sent events.

use std::convert::Infallible;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::Response;
use axum::response::sse::{Event, Sse};
use axum::routing::get;
use futures_util::stream::Stream;
use futures_util::{SinkExt, StreamExt};
use tokio::sync::broadcast::{self, Sender, error::RecvError};
use tokio_stream::wrappers::BroadcastStream;

/// How many messages may wait for a receiver.
const QUEUE: usize = 256;

#[derive(Clone)]
struct Rooms {
    messages: Sender<Message>,
    events: Sender<String>,
}

pub fn routes() -> Router {
    let rooms = Rooms {
        messages: broadcast::channel(QUEUE).0,
        events: broadcast::channel(QUEUE).0,
    };
    Router::new()
        .route(
            "/ws",
            get(|ws: WebSocketUpgrade| async { ws.on_upgrade(echo) }),
        )
        .route("/room", get(room))
        .route("/events", get(events))
        .route("/publish", axum::routing::post(publish))
        .with_state(rooms)
}

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.next().await {
        if matches!(message, Message::Text(_) | Message::Binary(_))
            && socket.send(message).await.is_err()
        {
            return;
        }
    }
}

async fn room(ws: WebSocketUpgrade, State(rooms): State<Rooms>) -> Response {
    ws.on_upgrade(move |socket| member(socket, rooms.messages))
}

async fn member(socket: WebSocket, messages: Sender<Message>) {
    let mut inbox = messages.subscribe();
    let (mut to, mut from) = socket.split();
    let passing = tokio::spawn(async move {
        loop {
            match inbox.recv().await {
                Ok(message) => {
                    if to.send(message).await.is_err() {
                        return;
                    }
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    });
    while let Some(Ok(message)) = from.next().await {
        if matches!(message, Message::Text(_) | Message::Binary(_)) {
            let _ = messages.send(message);
        }
    }
    passing.abort();
}

async fn events(State(rooms): State<Rooms>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let stream = BroadcastStream::new(rooms.events.subscribe());
    Sse::new(
        stream.filter_map(|text| async { text.ok().map(|text| Ok(Event::default().data(text))) }),
    )
}

async fn publish(State(rooms): State<Rooms>, body: Bytes) -> StatusCode {
    let Ok(text) = Utf8Bytes::try_from(body) else {
        return StatusCode::BAD_REQUEST;
    };
    let _ = rooms.events.send(text.to_string());
    StatusCode::NO_CONTENT
}

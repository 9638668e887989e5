//! axum on tokio's multi-threaded runtime.

mod bulk;
mod http2;
mod http3;
mod live;

use std::io;

use axum::Json;
use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use axum::serve::ListenerExt;
use axum_extra::extract::Query;
use boot::{NewUser, Options, Search, User};

fn main() -> io::Result<()> {
    let options = Options::from_args();
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(options.workers)
        .enable_all()
        .build()?
        .block_on(serve(options))
}

async fn serve(options: Options) -> io::Result<()> {
    let app = Router::new()
        .route("/", get(|| async { "Hello, World!" }))
        .route("/users/{id}", get(user))
        .route("/users", axum::routing::post(create))
        .route("/search", get(search))
        .route("/bytes/{n}", get(bulk::send))
        .route("/upload", axum::routing::post(bulk::take))
        .merge(live::routes());
    if let (true, Some(pair)) = (options.h3, &options.tls) {
        return http3::serve(&options, app, pair).await;
    }
    let listener = tokio::net::TcpListener::from_std(boot::listen(&options)?)?;
    boot::announce(listener.local_addr()?);
    if options.h2c || options.tls.is_some() {
        return http2::serve(listener, app, options.tls.as_deref()).await;
    }
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, app).await
}

async fn user(Path(id): Path<u64>) -> Json<User> {
    Json(User {
        id,
        name: "octopus".into(),
        email: None,
    })
}

async fn create(Json(new): Json<NewUser>) -> Result<(StatusCode, Json<User>), StatusCode> {
    if !new.is_valid() {
        return Err(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let user = User {
        id: 1,
        name: new.name,
        email: Some(new.email),
    };
    Ok((StatusCode::CREATED, Json(user)))
}

async fn search(Query(search): Query<Search>) -> Json<Search> {
    Json(search)
}

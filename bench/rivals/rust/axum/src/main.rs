//! axum on tokio's multi-threaded runtime.

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
    let listener = tokio::net::TcpListener::from_std(boot::listen(&options)?)?;
    boot::announce(listener.local_addr()?);
    let app = Router::new()
        .route("/", get(|| async { "Hello, World!" }))
        .route("/users/{id}", get(user))
        .route("/users", axum::routing::post(create))
        .route("/search", get(search));
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

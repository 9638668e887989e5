//! ntex on tokio, one single-threaded runtime per worker.

use std::io;

use boot::{NewUser, Options, User};
use ntex::web::error::PathError;
use ntex::web::types::{Json, Path, Query};
use ntex::web::{self, App, HttpResponse, HttpServer};

#[ntex::main]
async fn main() -> io::Result<()> {
    let options = Options::from_args();
    let listener = boot::listen(&options)?;
    boot::announce(listener.local_addr()?);
    HttpServer::new(async || {
        App::new()
            .route("/", web::get().to(|| async { "Hello, World!" }))
            .route("/users/{id}", web::get().to(user))
            .route("/users", web::post().to(create))
            .route("/search", web::get().to(search))
    })
    .workers(options.workers)
    .listen(listener)?
    .run()
    .await
}

/// Takes the error itself, as ntex would answer it with 404.
async fn user(id: Result<Path<u64>, PathError>) -> HttpResponse {
    let Ok(id) = id else {
        return HttpResponse::BadRequest().finish();
    };
    HttpResponse::Ok().json(&User {
        id: id.into_inner(),
        name: "octopus".into(),
        email: None,
    })
}

async fn create(Json(new): Json<NewUser>) -> HttpResponse {
    if !new.is_valid() {
        return HttpResponse::UnprocessableEntity().finish();
    }
    HttpResponse::Created().json(&User {
        id: 1,
        name: new.name,
        email: Some(new.email),
    })
}

async fn search(Query(pairs): Query<Vec<(String, String)>>) -> HttpResponse {
    match boot::from_pairs(pairs) {
        Some(search) => HttpResponse::Ok().json(&search),
        None => HttpResponse::BadRequest().finish(),
    }
}

//! actix-web, one single-threaded runtime per worker.

mod live;

use std::io;

use actix_web::web::{self, Json, Path, PathConfig, Query};
use actix_web::{App, HttpResponse, HttpServer, Responder, error};
use boot::{NewUser, Options, User};

fn main() -> io::Result<()> {
    let options = Options::from_args();
    actix_web::rt::System::new().block_on(serve(options))
}

async fn serve(options: Options) -> io::Result<()> {
    let listener = boot::listen(&options)?;
    boot::announce(listener.local_addr()?);
    let rooms = live::Rooms::new();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(rooms.clone()))
            // Its default for a path that does not parse is 404.
            .app_data(PathConfig::default().error_handler(|e, _| error::ErrorBadRequest(e)))
            .route("/", web::get().to(|| async { "Hello, World!" }))
            .route("/users/{id}", web::get().to(user))
            .route("/users", web::post().to(create))
            .route("/search", web::get().to(search))
            .route("/ws", web::get().to(live::echo))
            .route("/room", web::get().to(live::room))
            .route("/events", web::get().to(live::events))
            .route("/publish", web::post().to(live::publish))
    })
    .workers(options.workers);
    let server = match &options.tls {
        Some(pair) => server.listen_rustls_0_23(listener, tls::config(pair)?)?,
        None if options.h2c => server.listen_auto_h2c(listener)?,
        None => server.listen(listener)?,
    };
    server.run().await
}

async fn user(id: Path<u64>) -> impl Responder {
    Json(User {
        id: id.into_inner(),
        name: "octopus".into(),
        email: None,
    })
}

async fn create(Json(new): Json<NewUser>) -> HttpResponse {
    if !new.is_valid() {
        return HttpResponse::UnprocessableEntity().finish();
    }
    HttpResponse::Created().json(User {
        id: 1,
        name: new.name,
        email: Some(new.email),
    })
}

async fn search(Query(pairs): Query<Vec<(String, String)>>) -> HttpResponse {
    match boot::from_pairs(pairs) {
        Some(search) => HttpResponse::Ok().json(search),
        None => HttpResponse::BadRequest().finish(),
    }
}

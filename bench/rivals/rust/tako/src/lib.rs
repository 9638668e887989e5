//! The routes both tako-rs servers answer.

use boot::{NewUser, Search, User};
use tako::StatusCode;
use tako::extractors::json::Json;
use tako::extractors::path::Path;
use tako::extractors::query_multi::QueryMulti;
use tako::router::Router;

pub fn router() -> Router {
    let mut router = Router::new();
    router.get("/", || async { "Hello, World!" });
    router.get("/users/{id}", user);
    router.post("/users", create);
    router.get("/search", search);
    router
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

async fn search(QueryMulti(search): QueryMulti<Search>) -> Json<Search> {
    Json(search)
}

use serde::{Deserialize, Serialize};

/// What `GET /users/{id}` and `POST /users` answer with.
#[derive(Serialize)]
pub struct User {
    pub id: u64,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// The body of `POST /users`.
#[derive(Deserialize)]
pub struct NewUser {
    pub name: String,
    pub email: String,
}

impl NewUser {
    /// By hand, because none of these frameworks ships a validator of its own.
    pub fn is_valid(&self) -> bool {
        let len = self.name.chars().count();
        (1..=100).contains(&len) && self.email.contains('@')
    }
}

/// Both the query of `GET /search` and its answer.
#[derive(Deserialize, Serialize)]
pub struct Search {
    #[serde(default)]
    pub q: String,
    #[serde(default = "default_limit")]
    pub limit: i64,
    #[serde(default, rename(deserialize = "tag"))]
    pub tags: Vec<String>,
}

fn default_limit() -> i64 {
    20
}

/// For frameworks whose query extractor reads no repeated keys into a struct.
pub fn from_pairs(pairs: Vec<(String, String)>) -> Option<Search> {
    let mut search = Search {
        q: String::new(),
        limit: default_limit(),
        tags: Vec::new(),
    };
    for (key, value) in pairs {
        match key.as_str() {
            "q" => search.q = value,
            "limit" => search.limit = value.parse().ok()?,
            "tag" => search.tags.push(value),
            _ => {}
        }
    }
    Some(search)
}

//! The types of bench/json/documents.go.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Serialize, Deserialize)]
pub struct User {
    name: String,
    email: String,
    age: i64,
}

#[derive(Serialize, Deserialize)]
pub struct Order {
    id: i64,
    placed: DateTime<Utc>,
    customer: Customer,
    lines: Vec<Line>,
    labels: BTreeMap<String, String>,
    total: f64,
    paid: bool,
    coupon: Option<String>,
    #[serde(default)]
    note: String,
}

#[derive(Serialize, Deserialize)]
struct Customer {
    name: String,
    email: String,
    phones: Vec<String>,
    address: Option<Box<Address>>,
}

#[derive(Serialize, Deserialize)]
struct Address {
    street: String,
    city: String,
    zip: String,
    country: String,
    lat: f64,
    lon: f64,
}

#[derive(Serialize, Deserialize)]
struct Line {
    sku: String,
    title: String,
    quantity: i64,
    price: f64,
    tags: Vec<String>,
    gift: bool,
}

#[derive(Serialize, Deserialize)]
pub struct Book {
    orders: Vec<Order>,
    next: String,
}

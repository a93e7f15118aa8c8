//! `GET /v1/keys`: every key.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;

use crate::service::KeyRow;

use super::super::access::{Holder, ToOperate};
use super::super::answer;
use super::super::error::Code;
use super::super::problem::{Problem, instant};
use super::super::state::State;
use super::create_key::scopes;

/// What can be wrong with listing keys.
pub const PROBLEMS: &[Code] =
    &[Code::Unauthorized, Code::MissingScope, Code::Internal, Code::StoreUnavailable];

/// A key, without its secret.
#[derive(Serialize, ToSchema)]
#[schema(as = Key)]
pub struct KeyView {
    /// Its public id.
    id: String,
    /// The app that it belongs to.
    app: String,
    /// What it may do.
    #[schema(schema_with = scopes)]
    scopes: Vec<String>,
    /// Whether test numbers act for it.
    test: bool,
    /// Whether it may sign requests to the Vonage surface.
    signs: bool,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was revoked; null while it is in force.
    #[schema(format = DateTime)]
    revoked_at: Option<String>,
    /// When it ends by itself; null if it does not.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// When it was last used, to the second while this process runs; null if never.
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
    /// Until when the secret before its last rotation was good; null if it was never rotated.
    #[schema(format = DateTime)]
    old_secret_until: Option<String>,
    /// From where it counts; empty means from everywhere.
    networks: Vec<String>,
}

/// Every key.
#[derive(Serialize, ToSchema)]
#[schema(as = Keys)]
pub struct KeysView {
    /// In order of creation, revoked ones included.
    keys: Vec<KeyView>,
}

/// Lists every key of every app, revoked ones included, without secrets.
#[utoipa::path(
    operation_id = "list_keys",
    tag = "keys",
    responses((status = 200, description = "Every key", body = KeysView)),
    security(("key" = ["operate"])),
)]
#[get("/v1/keys")]
pub async fn list_keys(
    _holder: Holder<ToOperate>,
    state: Data<State>,
) -> Result<HttpResponse, Problem> {
    let rows = state.service.list_keys().await.map_err(|error| Problem::store(&error))?;
    let keys = rows.into_iter().map(KeyView::new).collect();
    Ok(answer::json(StatusCode::OK, &KeysView { keys }))
}

impl KeyView {
    fn new(row: KeyRow) -> Self {
        Self {
            id: row.id.into(),
            app: row.app.to_string(),
            scopes: row.scopes.into_iter().map(String::from).collect(),
            test: row.test,
            signs: row.signature_secret.is_some(),
            created_at: instant(row.created_at),
            revoked_at: row.revoked_at.map(instant),
            expires_at: row.expires_at.map(instant),
            last_used_at: row.last_used_at.map(instant),
            old_secret_until: row.previous.map(|previous| instant(previous.until)),
            networks: row.networks.iter().map(ToString::to_string).collect(),
        }
    }
}

//! Configs are runc's: read and written as Go does, checked before anything is made.

#[path = "configs/check.rs"]
mod check;
#[path = "configs/documents.rs"]
mod documents;
#[path = "configs/go.rs"]
mod go;
#[path = "configs/json.rs"]
mod json;
#[path = "configs/namespaces.rs"]
mod namespaces;

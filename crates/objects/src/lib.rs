//! Kubernetes and Karpenter API objects as data.
//!
//! The truth of an object is its JSON document ([`Object::doc`]); the slim structs of [`typed`] are read from it
//! once, when it is stored, and never written back. Unknown fields therefore survive every change.

pub mod admit;
pub mod collections;
pub mod convert;
pub mod doc;
pub mod duration;
pub mod error;
pub mod format;
pub mod json;
pub mod kind;
pub mod object;
pub mod patch;
pub mod quantity;
pub mod resources;
pub mod schema;
pub mod selector;
pub mod time;
pub mod typed;
pub mod yaml;

pub use admit::{Validation, admit, default_fields, mount_token};
pub use doc::DocExt;
pub use error::{ApiError, Reason};
pub use kind::{Api, Era, Kind, Provider};
pub use object::{Meta, Object, ObjectKey, OwnerRef};
pub use resources::Resources;
pub use serde_json::{Map, Value};

//! What an API server does with a document before it stores it: decode strictly, default, validate.
//!
//! Pure functions of the document and the object it replaces. What depends on other objects (does the namespace, the
//! priority class exist) is the store's to check. Kinds built into Kubernetes go through [`decode`], [`defaults`] and the
//! rules of their kind; kinds of CRDs through the schema rules of [`crd`]; Karpenter's v1alpha5 kinds through its
//! webhooks ([`webhook`]) on top.

mod crd;
mod decode;
mod defaults;
mod field_errors;
mod kwok;
mod names;
mod node_class;
mod node_pool;
mod node_template;
mod other_rules;
mod pod_admission;
mod pod_rules;
mod provisioner;
mod typed_patch;
mod webhook;
mod workload_rules;

pub use decode::decode;
pub use field_errors::{FieldErrors, invalid_text};
pub use pod_admission::{admit_pod, mount_token};
pub use typed_patch::typed_errors;

use crate::{ApiError, DocExt, Era, Kind, Value};

/// What happens to unknown fields (`--validate`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Validation {
    #[default]
    Strict,
    Warn,
    Ignore,
}

/// Decodes, defaults and validates `doc`, which is written over `old` where that is given (an update).
/// Gives the document as it is to be stored and the texts of `Warning:` lines.
///
/// Errors: `BadRequest` where the document cannot be decoded or a webhook denies it, `Invalid` with one cause a field
/// where a rule is broken.
pub fn admit(
    kind: Kind,
    doc: Value,
    old: Option<&Value>,
    era: Era,
    validation: Validation,
) -> Result<(Value, Vec<String>), ApiError> {
    let mut doc = doc;
    let warnings = decode(kind, &mut doc, validation)?;
    match kind {
        Kind::Provisioner => provisioner::admit(&mut doc)?,
        Kind::AWSNodeTemplate => node_template::admit(&mut doc)?,
        Kind::NodePool | Kind::NodeClaim | Kind::EC2NodeClass | Kind::KWOKNodeClass | Kind::Machine => {
            crd::admit(kind, &mut doc, old)?;
        }
        Kind::FleetRequest | Kind::Instance | Kind::CloudFault => {}
        _ => {
            defaults::apply(kind, &mut doc);
            if kind == Kind::Pod && old.is_none() {
                admit_pod(&mut doc, None);
            }
            let mut errors = FieldErrors::new();
            names::metadata(kind, &doc, old, &mut errors);
            match kind {
                Kind::Pod => pod_rules::pod(&doc, old, &mut errors),
                Kind::Deployment | Kind::ReplicaSet | Kind::DaemonSet | Kind::StatefulSet | Kind::Job => {
                    workload_rules::workload(kind, &doc, old, era, &mut errors);
                }
                Kind::CronJob => workload_rules::cron_job(&doc, &mut errors),
                _ => other_rules::check(kind, &doc, old, &mut errors),
            }
            errors.into_result(kind, doc.str_at("metadata.name").unwrap_or_default())?;
        }
    }
    Ok((doc, warnings))
}

/// Fills in the defaults of a kind, as reading and writing through the API server does. Karpenter's own kinds get the
/// defaults of their schema.
pub fn default_fields(kind: Kind, doc: &mut Value) {
    match kind {
        Kind::NodePool | Kind::NodeClaim | Kind::EC2NodeClass | Kind::KWOKNodeClass => crd::default_fields(kind, doc),
        Kind::Provisioner => provisioner::default_fields(doc),
        _ => defaults::apply(kind, doc),
    }
}

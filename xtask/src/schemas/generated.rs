//! Allowed values of built-in kinds: the published documents leave them out, a server has them from its generated Go
//! source, with a list of them at the end of the field's description.

use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::path::Path;

#[derive(Debug, Default)]
pub struct Enums {
    /// Function of the type, then field: values and description.
    by_type: BTreeMap<String, BTreeMap<String, (Vec<String>, String)>>,
}

impl Enums {
    pub fn read(path: &Path) -> Result<Enums> {
        let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
        Ok(Enums::of(&text))
    }

    fn of(text: &str) -> Enums {
        let mut out = Enums::default();
        let (mut function, mut field, mut doc) = (String::new(), String::new(), String::new());
        for line in text.lines() {
            let code = line.trim_start();
            let depth = line.len() - code.len();
            if let Some(rest) = line.strip_prefix("func schema_") {
                rest.split('(').next().unwrap_or_default().clone_into(&mut function);
            } else if let Some(name) = code.strip_suffix("\": {").and_then(|c| c.strip_prefix('"')).filter(|_| depth == 5) {
                // Properties stand five levels deep, their items deeper.
                name.clone_into(&mut field);
            } else if let Some(literal) = code.strip_prefix("Description: ") {
                doc = go_string(literal);
            } else if let Some(list) = code.strip_prefix("Enum:") {
                let list = list.trim().trim_start_matches("[]interface{}{").trim_end_matches("},");
                let values = list.split(", ").map(|v| v.trim_matches('"').to_owned()).collect();
                out.by_type.entry(function.clone()).or_default().insert(field.clone(), (values, doc.clone()));
            }
        }
        out
    }

    /// Values and description of the field of a type by its full name.
    pub fn get(&self, full: &str, field: &str) -> Option<&(Vec<String>, String)> {
        let function = full.replace("io.k8s.apimachinery.", "").replace("io.k8s.", "k8sio.").replace(['.', '-'], "_");
        self.by_type.get(&function)?.get(field).filter(|(values, _)| values.iter().all(|v| !v.is_empty()))
    }
}

/// The value of a Go string literal with the escapes that the generator writes.
fn go_string(literal: &str) -> String {
    let inner = literal.trim().trim_end_matches(',').trim_matches('"');
    let mut out = String::new();
    let mut escaped = false;
    for c in inner.chars() {
        match (escaped, c) {
            (false, '\\') => escaped = true,
            (false, c) => out.push(c),
            (true, c) => {
                out.push(match c {
                    'n' => '\n',
                    't' => '\t',
                    c => c,
                });
                escaped = false;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_values_and_their_description() {
        let text = "func schema_k8sio_api_core_v1_PodSpec(ref common.ReferenceCallback) common.OpenAPIDefinition {\n\
            \t\t\t\t\t\"restartPolicy\": {\n\
            \t\t\t\t\t\tSchemaProps: spec.SchemaProps{\n\
            \t\t\t\t\t\t\tDescription: \"One of.\\n\\n - `\\\"Always\\\"`\",\n\
            \t\t\t\t\t\t\tEnum:        []interface{}{\"Always\", \"Never\"},\n";
        let enums = Enums::of(text);
        let (values, doc) = enums.get("io.k8s.api.core.v1.PodSpec", "restartPolicy").expect("found");
        assert_eq!(values, &["Always", "Never"]);
        assert_eq!(doc, "One of.\n\n - `\"Always\"`");
    }
}

//! Texts of dumps to documents: JSON as kubectl prints it, of any size, or YAML.

use crate::Failure;
use objects::{Value, yaml};

/// A text and the name it goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub name: String,
    pub text: String,
}

/// The reader with places takes no larger text, as the API server takes no larger request.
const YAML_BYTES: usize = 3 * 1024 * 1024;

/// The documents of a text, each with the name of its place.
pub fn documents(source: &Source) -> Result<Vec<(String, Value)>, Failure> {
    let whole = |text: &str| serde_json::Deserializer::from_str(text).into_iter().collect();
    documents_by(source, &whole)
}

/// The same, without what no plan is made by where that is JSON.
pub fn lean_documents(source: &Source) -> Result<Vec<(String, Value)>, Failure> {
    documents_by(source, &engine::cluster::documents)
}

type Json<'r> = &'r dyn Fn(&str) -> Result<Vec<Value>, serde_json::Error>;

fn documents_by(source: &Source, json: Json<'_>) -> Result<Vec<(String, Value)>, Failure> {
    let failed = |what: String| Failure { message: format!("{}: {what}", source.name), exit: 1 };
    let text = source.text.trim_start_matches('\u{feff}').trim_start();
    if text.is_empty() {
        return Err(failed("the text is empty".to_owned()));
    }
    let docs: Vec<Value> = if text.starts_with(['{', '[']) {
        // A dump may be large, so that the reader with places is not asked.
        let values = json(text).map_err(|error| failed(format!("not JSON: {error}")))?;
        values.into_iter().flat_map(|v| if let Value::Array(list) = v { list } else { vec![v] }).collect()
    } else {
        let stream = yaml::parse(text);
        if let Some(error) = stream.error {
            let hint = if text.len() > YAML_BYTES { " (take the dump with -o json: that may be of any size)" } else { "" };
            return Err(failed(format!("{error}{hint}")));
        }
        stream.documents.into_iter().map(|d| d.value).collect()
    };
    let many = docs.len() > 1;
    let place = |n: usize| if many { format!("{}, document {}", source.name, n + 1) } else { source.name.clone() };
    Ok(docs.into_iter().enumerate().map(|(n, doc)| (place(n), doc)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<Vec<String>, String> {
        let source = Source { name: "x".to_owned(), text: text.to_owned() };
        let [whole, lean] = [documents(&source), lean_documents(&source)].map(|read| {
            read.map(|d| d.into_iter().map(|(place, doc)| format!("{place}: {doc}")).collect()).map_err(|f| f.message)
        });
        assert_eq!(whole, lean);
        whole
    }

    #[test]
    fn json_and_yaml_come_in_streams() {
        assert_eq!(check("{\"a\": 1}"), Ok(vec!["x: {\"a\":1}".to_owned()]));
        let two = Ok(vec!["x, document 1: {\"a\":1}".to_owned(), "x, document 2: {\"b\":2}".to_owned()]);
        assert_eq!(check("{\"a\": 1}\n{\"b\": 2}\n"), two);
        assert_eq!(check("[{\"a\": 1}, {\"b\": 2}]"), two);
        assert_eq!(check("a: 1\n---\nb: 2\n"), two);
    }

    #[test]
    fn what_is_neither_says_where() {
        assert_eq!(check("{\"a\": "), Err("x: not JSON: EOF while parsing a value at line 1 column 6".to_owned()));
        assert_eq!(check(" \n"), Err("x: the text is empty".to_owned()));
        assert!(check("a: b: c\n").unwrap_err().starts_with("x: error converting YAML to JSON: yaml: "));
    }
}

//! The form of a case: a heading and one step a line.

/// One case of the files under `cases/`.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it covers, of `ids.txt`.
    pub ids: Vec<String>,
    /// `a` (0.31) or `b` (1.14).
    pub era: char,
    /// Options behind the era: `plan`, `seed=3`, `pending`.
    pub options: Vec<String>,
    pub title: String,
    /// Steps with their line numbers.
    pub steps: Vec<(usize, String)>,
}

impl Case {
    /// Why it is not expected to pass yet.
    pub fn is_pending(&self) -> bool {
        self.options.iter().any(|o| o == "pending")
    }

    pub fn option(&self, key: &str) -> Option<&str> {
        self.options.iter().find_map(|o| o.strip_prefix(key)?.strip_prefix('='))
    }
}

/// Headings are `# IDS era options: title`; lines that begin with a blank go on with the step before, `//` is a remark.
pub fn read(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for (i, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with("//") {
            continue;
        }
        if let Some(heading) = line.strip_prefix("# ") {
            let (head, title) = heading.split_once(": ").unwrap_or_else(|| panic!("line {}: no title", i + 1));
            let words: Vec<&str> = head.split_whitespace().collect();
            let at = words.iter().position(|w| matches!(*w, "a" | "b")).unwrap_or_else(|| panic!("line {}: no era", i + 1));
            cases.push(Case {
                ids: words[..at].iter().map(|w| (*w).to_owned()).collect(),
                era: words[at].chars().next().unwrap(),
                options: words[at + 1..].iter().map(|w| (*w).to_owned()).collect(),
                title: title.to_owned(),
                steps: Vec::new(),
            });
            continue;
        }
        let case = cases.last_mut().unwrap_or_else(|| panic!("line {}: a step before the first heading", i + 1));
        if line.starts_with(' ') {
            let (_, last) = case.steps.last_mut().unwrap();
            last.push(' ');
            last.push_str(line.trim());
        } else {
            case.steps.push((i + 1, line.trim().to_owned()));
        }
    }
    cases
}

/// `30s`, `5m`, `1h`, `500ms` in milliseconds.
pub fn duration(text: &str) -> Result<u64, String> {
    let ms = objects::duration::parse_go_ms(text).ok_or_else(|| format!("{text} is no duration"))?;
    u64::try_from(ms).map_err(|e| e.to_string())
}

/// A value in YAML's flow form; nothing is an empty map.
pub fn value(text: &str) -> Result<objects::Value, String> {
    if text.trim().is_empty() {
        return Ok(objects::json!({}));
    }
    let stream = objects::yaml::parse(&format!("v: {text}\n"));
    if let Some(error) = stream.error {
        return Err(format!("{error}: {text}"));
    }
    let doc = stream.documents.first().ok_or("no value")?;
    Ok(doc.value.get("v").cloned().unwrap_or_default())
}

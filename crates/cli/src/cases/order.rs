//! Orders that a real cluster draws anew each time.

/// Neighbouring table rows that carry drawn names, in order, and what drain says of several pods, which it evicts at once;
/// rows of events once each, for how often an attempt was repeated hangs on the pace of the machine.
pub fn of_rows(lines: Vec<String>) -> Vec<String> {
    let is_events = lines.iter().any(|l| l.starts_with("LAST SEEN  ") || l.contains("  LAST SEEN  "));
    let group = |l: &str| {
        let row = l.contains("  ") && !l.starts_with([' ', '{']);
        let drawn = row && ["-DRAWN", "NODE", "-HASH"].iter().any(|mark| l.contains(mark));
        match () {
            () if l.starts_with("evicting pod ") => Some("evicting"),
            () if l.starts_with("pod/") && l.ends_with(" evicted") => Some("evicted"),
            () if drawn || is_events && l.contains("<age>") => Some("row"),
            () => None,
        }
    };
    let mut out: Vec<String> = Vec::new();
    let mut run: Vec<String> = Vec::new();
    let mut of = None;
    for line in lines {
        let now = group(&line);
        if now != of || now.is_none() {
            run.sort();
            out.append(&mut run);
        }
        of = now;
        run.push(line);
    }
    run.sort();
    out.append(&mut run);
    if is_events {
        out.dedup();
    }
    out
}

/// The requirements of claims by their keys: Karpenter keeps them in a Go map. Those of a pool, which stand deeper, are as
/// somebody wrote them.
pub fn of_requirements(lines: Vec<String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut items: Vec<Vec<String>> = Vec::new();
    // How an item begins, and how deep the rest of it stands.
    let mut marks: Option<(&str, &str)> = None;
    for line in lines {
        if let Some((head, inside)) = marks {
            if line.starts_with(head) {
                items.push(vec![line]);
                continue;
            }
            if let Some(item) = items.last_mut().filter(|_| line.starts_with(inside)) {
                item.push(line);
                continue;
            }
        }
        items.sort();
        out.extend(std::mem::take(&mut items).into_iter().flatten());
        marks = match line.as_str() {
            "  requirements:" => Some(("  - key:", "    ")),
            "    requirements:" => Some(("    - key:", "      ")),
            "  Requirements:" => Some(("    Key:", "    ")),
            _ => None,
        };
        out.push(line);
    }
    items.sort();
    out.extend(items.into_iter().flatten());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_of_claims_have_no_order() {
        let check = |text: &str, want: &str| {
            assert_eq!(of_requirements(text.lines().map(str::to_owned).collect()).join("\n"), want, "{text}");
        };
        let item =
            |key: &str, pad: &str| format!("{pad}- key: {key}\n{pad}  operator: In\n{pad}  values:\n{pad}  - z\n{pad}  - c");
        for pad in ["  ", "    "] {
            let text =
                |a: &str, b: &str| format!("spec:\n{pad}requirements:\n{}\n{}\n{pad}resources: {{}}", item(a, pad), item(b, pad));
            check(&text("b", "a"), &text("a", "b"));
        }
        let pool = format!("      requirements:\n{}\n{}", item("b", "      "), item("a", "      "));
        check(&pool, &pool);
        let described = |a: &str, b: &str| {
            let item = |key: &str| format!("    Key:       {key}\n    Operator:  In\n    Values:\n      z\n      c");
            format!("  Requirements:\n{}\n{}\n  Resources:", item(a), item(b))
        };
        check(&described("b", "a"), &described("a", "b"));
    }
}

//! `nodewright act`: the engine as an autoscaler of a real cluster, or what it would do.

use crate::plan::read::Source;
use crate::plan::saved;
use crate::{Failure, plan};
use engine::cluster::{ActError, Ended, FleetKind, Metrics, Plan, Settings, Step, serve, take_over_all};
use objects::Value;
use std::io::Write;
use std::sync::Arc;

/// The longest RFC 1123 label.
const LABEL_MAX: usize = 63;

/// Exit status where another process has taken the Lease.
const LEASE_LOST: u8 = 4;

#[derive(Clone, Debug)]
pub struct Choices {
    pub settings: Settings,
    /// A file with a saved plan, which is carried out and nothing else.
    pub plan: Option<Source>,
    /// How a dry run is printed.
    pub form: Form,
    /// The user has said that the cluster is to be written to.
    pub yes: bool,
    /// A file that records are added to, a line of JSON each; standard error if left out.
    pub audit: Option<String>,
    /// Where metrics and health are served; 0 is nowhere.
    pub metrics_port: u16,
    pub health_port: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Text,
    Json,
    Yaml,
}

/// The value of `--namespace`, where it can be the name of one.
///
/// # Errors
/// Text that no API server takes for the name of a namespace, an RFC 1123 label.
pub fn namespace(text: &str) -> Result<&str, Failure> {
    // A label is a subdomain of one part.
    let is_label = objects::schema::is_dns_subdomain(text) && !text.contains('.');
    if is_label && text.len() <= LABEL_MAX {
        return Ok(text);
    }
    Err(Failure::usage(format!(
        "--namespace {text:?} is no name of a namespace: write 1 to {LABEL_MAX} of a-z, 0-9 and -, beginning and ending with a letter \
         or a digit (kubectl get namespaces lists those that are there)"
    )))
}

/// Acts until it is stopped; without `yes` says what it would do and writes nothing.
pub fn run(choices: &Choices, at_ms: i64) -> Result<(String, u8), Failure> {
    let Some(context) = &choices.settings.cluster.context else {
        if choices.yes {
            return Err(Failure::usage("--yes needs --context NAME: say which cluster is to be written to".to_owned()));
        }
        return rehearse(choices, at_ms, "NAME");
    };
    if !choices.yes {
        return rehearse(choices, at_ms, context);
    }
    let mut settings = choices.settings.clone();
    settings.plan = choices.plan.as_ref().map(saved::steps).transpose()?;
    let mut audit: Box<dyn Write> = match &choices.audit {
        Some(path) => {
            let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
            Box::new(file.map_err(|e| Failure { message: format!("{path}: {e}"), exit: 1 })?)
        }
        None => Box::new(std::io::stderr()),
    };
    let metrics = Arc::new(Metrics::new().map_err(|e| Failure { message: e.to_string(), exit: 1 })?);
    serve(&metrics, choices.metrics_port, choices.health_port).map_err(|message| Failure { message, exit: 1 })?;
    // Nothing is written to a cluster that is not written down first.
    let mut lost: Option<std::io::Error> = None;
    let mut sink = |record: Value| {
        if let Err(error) = writeln!(audit, "{record}").and_then(|()| audit.flush()) {
            lost.get_or_insert(error);
        }
    };
    let ended = engine::cluster::act(&settings, &metrics, &mut sink);
    if let Some(error) = lost {
        eprintln!("nodewright: records were lost: {error}");
    }
    match ended {
        Ok(Ended::Stopped) => Ok((String::new(), 0)),
        Ok(Ended::Done) => Ok(("The plan was carried out.\n".to_owned(), 0)),
        Ok(Ended::LeaseLost) => {
            Err(Failure { message: "another process leads: the Lease was lost".to_owned(), exit: LEASE_LOST })
        }
        Err(ActError::Cluster(error)) => Err(crate::observe::failure(error)),
        Err(error) => Err(Failure { message: error.to_string(), exit: 1 }),
    }
}

fn rehearse(choices: &Choices, at_ms: i64, context: &str) -> Result<(String, u8), Failure> {
    let saved = choices.plan.as_ref().map(saved::steps).transpose()?;
    let mut dump = plan::live(&choices.settings.cluster)?;
    let mut more = "";
    if choices.settings.fleet == FleetKind::NodeClaim {
        take_over_all(&mut dump);
        more = " --fleet nodeclaim";
    }
    let seed = choices.settings.seed;
    let region = choices.settings.region.clone();
    let report = plan::run(
        dump,
        &[],
        &plan::Choices { at_ms, seed, region, types: choices.settings.types.clone(), ahead: engine::cluster::Ahead::default() },
    )?;
    report.notes.iter().for_each(|note| eprintln!("note: {note}"));
    match choices.form {
        Form::Text => {}
        Form::Json => return Ok((format!("{}\n", report.json()), report.exit())),
        Form::Yaml => return Ok((report.yaml(), report.exit())),
    }
    let text = report.text();
    if let (Some(steps), Some(source)) = (saved, &choices.plan) {
        let name = &source.name;
        let gone = changed(&steps, &report.plan);
        if gone.is_empty() {
            let how = format!("nodewright act --context {context}{more} --plan {name} --yes");
            return Ok((
                format!("{text}\nThe plan of {name} still holds. Nothing was written. To do it: {how}\n"),
                report.exit(),
            ));
        }
        let list: String = gone.iter().map(|step| format!("  {}\n", step.label())).collect();
        return Ok((
            format!("{text}\nThis is not what {name} says any more, where there is too:\n{list}Nothing was written.\n"),
            1,
        ));
    }
    Ok((format!("{text}\nNothing was written. To do it: nodewright act --context {context}{more} --yes\n"), report.exit()))
}

/// The steps that are not among those of a plan: by what is done, to which nodes, and for how many pods of which pools. The
/// nodes that a plan makes have no names yet that another would share.
fn changed<'s>(saved: &'s [Step], plan: &Plan) -> Vec<&'s Step> {
    type Gist = (Option<String>, Vec<Option<String>>, Vec<(String, usize)>);
    let gists = |steps: &[Step]| -> Vec<Gist> {
        let made: Vec<&str> = steps.iter().flat_map(|s| &s.launches).map(|l| l.node.as_str()).collect();
        let node = |name: &String| (!made.contains(&name.as_str())).then(|| name.clone());
        let gist = |step: &Step| {
            let launches = step.launches.iter().map(|l| (l.pool.clone(), l.pods.len())).collect();
            (step.reason.clone(), step.nodes.iter().map(node).collect(), launches)
        };
        steps.iter().map(gist).collect()
    };
    let mut now = gists(&Step::all(plan, plan::title));
    let is_gone = |gist: Gist| match now.iter().position(|n| *n == gist) {
        Some(at) => {
            now.remove(at);
            false
        }
        None => true,
    };
    let gone: Vec<bool> = gists(saved).into_iter().map(is_gone).collect();
    saved.iter().zip(gone).filter(|(_, gone)| *gone).map(|(step, _)| step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_an_rfc_1123_label() {
        let longest = "a".repeat(63);
        for good in ["kube-system", "a", "0", "1-2", longest.as_str()] {
            assert_eq!(namespace(good), Ok(good));
        }
        let longer = "a".repeat(64);
        let yaml = "x\nkind: ClusterRole";
        for bad in ["", "Kube", "a.b", "-a", "a-", "a_b", "a b", "a/b", "\u{e9}", "a\n", yaml, longer.as_str()] {
            let failure = namespace(bad).unwrap_err();
            assert_eq!(failure.exit, 2, "{bad:?}");
            assert!(
                failure.message.starts_with(&format!("--namespace {bad:?} is no name of a namespace: write 1 to 63 of ")),
                "{failure:?}"
            );
        }
    }
}

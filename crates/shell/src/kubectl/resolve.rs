//! What TYPE, NAME and TYPE/NAME arguments mean.
//! Source: k8s.io/cli-runtime/pkg/resource/builder.go, v0.28.

use super::Fail;
use objects::{Api, Kind};

/// One kind with the names asked for; no names means all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    pub kind: Kind,
    /// Where a document of a file says it is; else the call's.
    pub namespace: Option<String>,
    pub names: Vec<String>,
}

/// The arguments' meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub asks: Vec<Ask>,
    /// Several kinds were asked for, so that rows name theirs.
    pub mixed: bool,
    /// Written as TYPE/NAME.
    pub slashed: bool,
}

impl Asked {
    /// Whether any object is asked for by its name.
    pub fn named(&self) -> bool {
        self.asks.iter().any(|a| !a.names.is_empty())
    }
}

/// The kinds of `kubectl get all`.
pub const ALL: &[Kind] = &[
    Kind::Pod,
    Kind::Service,
    Kind::DaemonSet,
    Kind::Deployment,
    Kind::ReplicaSet,
    Kind::StatefulSet,
    Kind::HorizontalPodAutoscaler,
    Kind::CronJob,
    Kind::Job,
];

pub fn kind(text: &str, api: Api) -> Result<Kind, Fail> {
    Kind::parse(text, api).ok_or_else(|| match super::resources::other(text, api) {
        Some(found) => Fail::error(format!("{} are not simulated: kubectl api-resources names what a server has", found.plural)),
        None => Fail::error(format!("the server doesn't have a resource type \"{text}\"")),
    })
}

/// The kinds of a comma-separated list, categories opened.
pub fn kinds(text: &str, api: Api) -> Result<Vec<Kind>, Fail> {
    let mut out = Vec::new();
    for word in text.split(',').filter(|w| !w.is_empty()) {
        match word {
            "all" => out.extend(ALL),
            "karpenter" => out.extend([Kind::node_class(api), Kind::claim(api.era), Kind::pool(api.era)]),
            word => out.push(kind(word, api)?),
        }
    }
    Ok(out)
}

pub fn resolve(args: &[String], api: Api) -> Result<Asked, Fail> {
    let Some((first, rest)) = args.split_first() else {
        return Err(Fail::no_name());
    };
    if args.iter().any(|a| a.contains('/')) {
        let mut asks: Vec<Ask> = Vec::new();
        for arg in args {
            let Some((kind_text, name)) = arg.split_once('/') else {
                return Err(Fail::error(
                    "there is no need to specify a resource type as a separate argument when passing arguments in \
                     resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource \
                     resource/<resource_name>'",
                ));
            };
            if name.contains('/') || name.is_empty() || kind_text.is_empty() {
                return Err(Fail::error("arguments in resource/name form may not have more than one slash"));
            }
            let kind = kind(kind_text, api)?;
            match asks.iter_mut().find(|a| a.kind == kind) {
                Some(ask) => ask.names.push(name.to_owned()),
                None => asks.push(Ask { kind, namespace: None, names: vec![name.to_owned()] }),
            }
        }
        let mixed = asks.len() > 1;
        return Ok(Asked { asks, mixed, slashed: true });
    }
    let kinds = kinds(first, api)?;
    let mixed = kinds.len() > 1 || first == "all";
    let asks = kinds.into_iter().map(|kind| Ask { kind, namespace: None, names: rest.to_vec() }).collect();
    Ok(Asked { asks, mixed, slashed: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, want: Result<&str, &str>) {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let got = resolve(&args, objects::Era::V1alpha5.into())
            .map(|a| a.asks.iter().map(|a| format!("{}:{}", a.kind.name(), a.names.join("+"))).collect::<Vec<_>>().join(" "))
            .map_err(|f| f.text);
        assert_eq!(got, want.map(str::to_owned).map_err(|e| format!("error: {e}\n")), "{line}");
    }

    #[test]
    fn arguments() {
        check("pods", Ok("Pod:"));
        check("po,deploy", Ok("Pod: Deployment:"));
        check("deploy inflate x", Ok("Deployment:inflate+x"));
        check("deploy/inflate rs/x deploy/y", Ok("Deployment:inflate+y ReplicaSet:x"));
        check("foo", Err("the server doesn't have a resource type \"foo\""));
        check("nodepools", Err("the server doesn't have a resource type \"nodepools\""));
        check(
            "pod deploy/x",
            Err("there is no need to specify a resource type as a separate argument when passing arguments in resource/name \
             form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'"),
        );
    }
}

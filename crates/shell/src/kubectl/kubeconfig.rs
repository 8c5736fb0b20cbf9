//! The kubeconfig: a file of the home directory, read at each call as kubectl reads it.

use super::flags::Flags;
use crate::run::State;
use objects::collections::Order as _;
use objects::{DocExt, Value, json};

/// The name of context and cluster in the file that is there at the start.
pub const CONTEXT: &str = "nodewright";
pub const SERVER: &str = "https://nodewright.playground:443";
/// The user whom the cluster knows as its administrator; any other is known by name and may do nothing.
pub const ADMIN: &str = "admin";

/// What stands in `~/.kube/config` at the start.
pub fn initial() -> String {
    let doc = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": CONTEXT,
        "clusters": [{"cluster": {"server": SERVER}, "name": CONTEXT}],
        "contexts": [{"context": {"cluster": CONTEXT, "user": ADMIN}, "name": CONTEXT}],
        "users": [{"name": ADMIN, "user": {}}],
    });
    objects::yaml::to_yaml(&doc)
}

/// The file and where it is.
#[derive(Clone, Debug)]
pub struct Config {
    pub path: String,
    /// As typed, for messages.
    pub name: String,
    pub doc: Value,
}

impl Config {
    /// `--kubeconfig`, `$KUBECONFIG` or `~/.kube/config`; a file that is not there is an empty one.
    pub fn load(flags: &Flags, state: &State) -> Config {
        let typed =
            flags.text("kubeconfig").map(str::to_owned).or_else(|| state.variable("KUBECONFIG").filter(|v| !v.is_empty()));
        let name = typed.unwrap_or_else(|| format!("{}/.kube/config", state.home()));
        let path = state.path(&name);
        let text = state.files.read(&path).unwrap_or_default();
        let doc = objects::yaml::parse(text).documents.into_iter().next().map(|d| d.value);
        Config { path, name, doc: doc.filter(Value::is_object).unwrap_or_else(|| json!({})) }
    }

    pub fn write(&self, state: &mut State) -> Result<(), &'static str> {
        if let Some((directory, _)) = self.path.rsplit_once('/').filter(|(d, _)| !d.is_empty() && !state.files.is_dir(d)) {
            state.files.make_dir(directory, true)?;
        }
        state.files.write(&self.path, &objects::yaml::to_yaml(&self.doc), false)
    }

    /// The entry of `list` (`clusters`, `contexts`, `users`) with that name, without its name.
    pub fn entry(&self, list: &str, name: &str) -> Option<&Value> {
        let one = list.trim_end_matches('s');
        self.doc.list_at(list).iter().find(|e| e.str_at("name") == Some(name)).map(|e| e.at(one))
    }

    pub fn names(&self, list: &str) -> Vec<String> {
        let mut names: Vec<String> = self.doc.list_at(list).iter().filter_map(|e| e.str_at("name").map(str::to_owned)).collect();
        names.order();
        names
    }

    /// `--context`, or the current one.
    pub fn context<'a>(&'a self, flags: &'a Flags) -> &'a str {
        flags.text("context").or_else(|| self.doc.str_at("current-context")).unwrap_or_default()
    }
}

/// Whom and what a call talks to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    pub namespace: String,
    /// Where the server is.
    pub server: String,
    /// Whether the simulated server is there.
    pub answers: bool,
    /// Who asks, where it is not the administrator.
    pub stranger: Option<String>,
}

/// What the flags and the kubeconfig say; the error is kubectl's.
pub fn target(flags: &Flags, state: &State) -> Result<Target, String> {
    let config = Config::load(flags, state);
    let name = config.context(flags);
    let context = config.entry("contexts", name).cloned().unwrap_or_default();
    if flags.given("context") && context.is_null() {
        return Err(format!("Error in configuration: context was not found for specified context: {name}"));
    }
    let namespace = flags.text("namespace").or_else(|| context.str_at("namespace")).filter(|n| !n.is_empty());
    let cluster = flags.text("cluster").or_else(|| context.str_at("cluster")).unwrap_or_default();
    if flags.given("cluster") && config.entry("clusters", cluster).is_none() {
        return Err(format!("error: cluster \"{cluster}\" does not exist"));
    }
    let user = flags.text("user").or_else(|| context.str_at("user")).unwrap_or_default();
    if flags.given("user") && config.entry("users", user).is_none() {
        return Err(format!("error: auth info \"{user}\" does not exist"));
    }
    let known = config.entry("clusters", cluster).and_then(|c| c.str_at("server"));
    let server = flags.text("server").or(known).unwrap_or("http://localhost:8080");
    let asks = flags.text("as").unwrap_or(if user == ADMIN { "kubernetes-admin" } else { user });
    let master = asks == "kubernetes-admin" || flags.list("as-group").iter().any(|g| g == "system:masters");
    Ok(Target {
        namespace: namespace.unwrap_or("default").to_owned(),
        server: server.to_owned(),
        answers: known.is_some() && flags.text("server").is_none_or(|s| Some(s) == known),
        stranger: (!master).then(|| asks.to_owned()),
    })
}

/// The names of the contexts, for completion.
pub fn contexts(state: &State) -> Vec<String> {
    Config::load(&Flags::default(), state).names("contexts")
}

/// The namespace of the current context, for completion.
pub fn namespace(state: &State) -> String {
    target(&Flags::default(), state).map_or_else(|_| "default".to_owned(), |t| t.namespace)
}

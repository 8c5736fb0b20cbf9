//! The few command line forms that the build driver knows.

use anyhow::{Result, bail};

/// Arguments not yet taken.
pub struct Args(Vec<String>);

impl Args {
    pub fn from_env() -> Args {
        Args(std::env::args().skip(1).collect())
    }

    /// Takes the first argument that is no option.
    pub fn word(&mut self) -> Option<String> {
        let at = self.0.iter().position(|a| !a.starts_with("--"))?;
        Some(self.0.remove(at))
    }

    /// Takes `name` if it is there.
    pub fn flag(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|a| a != name);
        self.0.len() < before
    }

    /// Takes `name value` or `name=value`.
    pub fn option(&mut self, name: &str) -> Result<Option<String>> {
        let prefix = format!("{name}=");
        if let Some(at) = self.0.iter().position(|a| a.starts_with(&prefix)) {
            return Ok(self.0.remove(at).strip_prefix(&prefix).map(str::to_owned));
        }
        let Some(at) = self.0.iter().position(|a| a == name) else { return Ok(None) };
        self.0.remove(at);
        if at >= self.0.len() {
            bail!("`{name}` needs a value");
        }
        Ok(Some(self.0.remove(at)))
    }

    /// Refuses what nothing has taken.
    pub fn finish(self) -> Result<()> {
        match self.0.first() {
            None => Ok(()),
            Some(left) => bail!("unknown argument `{left}`; `cargo xtask help` lists the commands"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_each_form_once() {
        let mut args = Args(["serve", "--port", "81", "--out=x", "--watch", "--odd"].map(str::to_owned).to_vec());
        assert_eq!(args.word().as_deref(), Some("serve"));
        assert_eq!(args.option("--port").expect("port").as_deref(), Some("81"));
        assert_eq!(args.option("--out").expect("out").as_deref(), Some("x"));
        assert!(args.flag("--watch") && !args.flag("--watch"));
        assert!(args.finish().expect_err("left over").to_string().contains("`--odd`"));
        assert!(Args(vec!["--port".to_owned()]).option("--port").is_err());
    }
}

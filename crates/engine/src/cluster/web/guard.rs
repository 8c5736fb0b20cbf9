//! Who may look. The page is for the person who started the program: other people's machines do not reach the loopback address,
//! other pages of the same browser must not, whatever name they have given it (DNS rebinding), and other users of the machine
//! do not know the token. All that may be asked for is read.

/// What is looked at of a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Head<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub host: Option<&'a str>,
    pub origin: Option<&'a str>,
    /// `Sec-Fetch-Site`: where the request comes from, as the browser says.
    pub site: Option<&'a str>,
}

/// Why somebody may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Only GET and HEAD.
    Method,
    /// Not asked by a name of this machine, or on behalf of another page.
    Elsewhere,
    /// No such thing, or the token is wrong; which of the two is not told.
    Unknown,
}

/// The address of one start.
#[derive(Clone, Debug)]
pub struct Door {
    token: String,
    port: u16,
}

impl Door {
    /// # Errors
    /// A machine without random numbers.
    pub fn new(port: u16) -> Result<Door, String> {
        let mut bytes = [0_u8; 16];
        getrandom::fill(&mut bytes).map_err(|e| format!("no random numbers for the address: {e}"))?;
        Ok(Door { token: bytes.iter().map(|b| format!("{b:02x}")).collect(), port })
    }

    /// What to open in a browser.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}/{}/", self.port, self.token)
    }

    /// The name of what is asked for, below the address.
    ///
    /// # Errors
    /// Who may not, and why.
    pub fn admit<'a>(&self, head: &Head<'a>) -> Result<&'a str, Refusal> {
        if !matches!(head.method, "GET" | "HEAD") {
            return Err(Refusal::Method);
        }
        let ours = ["127.0.0.1", "localhost"].map(|name| format!("{name}:{}", self.port));
        let by_name = |host: &str| ours.iter().any(|name| name == host);
        let same = head.origin.is_none_or(|o| o.strip_prefix("http://").is_some_and(|o| Some(o) == head.host));
        if !head.host.is_some_and(by_name) || !same || !head.site.is_none_or(|s| matches!(s, "same-origin" | "none")) {
            return Err(Refusal::Elsewhere);
        }
        let (token, name) = head.path.strip_prefix('/').and_then(|p| p.split_once('/')).ok_or(Refusal::Unknown)?;
        if same_text(token, &self.token) { Ok(name) } else { Err(Refusal::Unknown) }
    }
}

/// Takes as long wherever the two begin to differ.
fn same_text(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door() -> Door {
        Door { token: "abc".to_owned(), port: 9 }
    }

    fn check(head: Head<'_>, want: Result<&str, Refusal>) {
        assert_eq!(door().admit(&head), want, "{head:?}");
    }

    #[test]
    fn who_has_the_address_may_look() {
        let here = Head { method: "GET", path: "/abc/", host: Some("127.0.0.1:9"), ..Head::default() };
        check(here, Ok(""));
        check(Head { host: Some("localhost:9"), path: "/abc/a/b.js", method: "HEAD", ..here }, Ok("a/b.js"));
        check(Head { origin: Some("http://127.0.0.1:9"), site: Some("same-origin"), ..here }, Ok(""));
        check(Head { site: Some("none"), ..here }, Ok(""));
    }

    #[test]
    fn nobody_else_may() {
        let here = Head { method: "GET", path: "/abc/plan", host: Some("127.0.0.1:9"), ..Head::default() };
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "get"] {
            check(Head { method, ..here }, Err(Refusal::Method));
        }
        for host in [None, Some("evil.example:9"), Some("127.0.0.1"), Some("127.0.0.1:8"), Some("127.0.0.1:9.evil.example")] {
            check(Head { host, ..here }, Err(Refusal::Elsewhere));
        }
        for origin in ["null", "https://127.0.0.1:9", "http://localhost:9", "http://evil.example"] {
            check(Head { origin: Some(origin), ..here }, Err(Refusal::Elsewhere));
        }
        for site in ["cross-site", "same-site"] {
            check(Head { site: Some(site), ..here }, Err(Refusal::Elsewhere));
        }
        for path in ["/", "/plan", "/ab/plan", "/abd/plan", "/abc", "//abc/plan", "abc/plan", "/ABC/plan"] {
            check(Head { path, ..here }, Err(Refusal::Unknown));
        }
    }

    #[test]
    fn every_start_has_its_own_address() {
        let (a, b) = (Door::new(1).unwrap().address(), Door::new(1).unwrap().address());
        assert_ne!(a, b);
        assert_eq!(a.len(), "http://127.0.0.1:1/".len() + 32 + 1);
    }
}

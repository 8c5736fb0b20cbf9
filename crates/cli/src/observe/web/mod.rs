//! `nodewright observe --web`: the page, attached to a real cluster.

mod asked;
mod site;

use super::failure;
use crate::Failure;
use engine::cluster::{AttachError, Options, Page, attach, context};
pub use site::Site;

/// Serves the page of the cluster until the process is told to stop (SIGINT, SIGTERM). `port` 0 takes any free one; `ready` gets
/// the address once it can be opened. `clock` tells the present, Unix milliseconds.
///
/// # Errors
/// Status 2 for a kubeconfig that cannot be used, 3 for a cluster that does not answer or refuses to list its nodes, 1 for a port
/// that is taken.
pub fn serve(options: &Options, site: Site, port: u16, clock: fn() -> i64, ready: &mut dyn FnMut(&str)) -> Result<(), Failure> {
    let cluster = context(options).unwrap_or_else(|| "in-cluster".to_owned());
    let asked = options.clone();
    let page = Page {
        file: Box::new(move |name| if name.is_empty() { site.attached(&cluster) } else { site.file(name) }),
        plan: Box::new(move || asked::plan(&asked, clock)),
    };
    attach(options, page, port, clock, ready).map_err(|error| match error {
        AttachError::Observe(error) => failure(error),
        AttachError::Serve(_) => Failure { message: error.to_string(), exit: 1 },
    })
}

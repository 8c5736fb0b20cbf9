//! Building blocks that know nothing of clusters.

mod button;
mod panel;
mod scroll;

pub use button::{Icon, IconButton, icon};
pub use panel::Panel;
pub use scroll::ScrollEnd;

//! Building blocks that know nothing of clusters.

mod button;
mod panel;
mod part;
mod scroll;

pub use button::{Button, Icon, icon};
pub use panel::Panel;
pub use part::{Hook, part, part_of};
pub use scroll::{Scroll, scroll};

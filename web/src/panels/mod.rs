//! One file (or folder) per panel.

pub mod attached_bar;
pub mod bar;
pub mod cost;
pub mod dialogs;
pub mod embed_bar;
pub mod events;
pub mod fleet;
pub mod lesson;
pub mod live;
pub mod logs;
pub mod nodes;
pub mod phone;
pub mod replicas;
pub mod side;
pub mod terminal;
pub mod timeline;
pub mod why;
pub mod yaml;

//! Ordered maps and sets over one sorted vector, and one sort for everything.
//!
//! The page pays for every copy of a generic. `BTreeMap` costs about 5 kB of wasm for each pair of types that is
//! removed from, and the standard sort about 4 kB for each type and order; what is here costs a few hundred bytes.
//! [`VecMap`] and [`VecSet`] carry the names and meanings of `BTreeMap`'s methods. Looking up takes O(log n);
//! inserting and removing move what lies behind, which up to some ten thousand entries costs less than the nodes of
//! a tree would. Tables that may grow beyond that stay `BTreeMap`s.

mod map;
mod set;
mod sort;

pub use map::{Entry, IntoIter, Iter, IterMut, OccupiedEntry, VacantEntry, VecMap};
pub use set::VecSet;
pub use sort::Order;

//! Copies and comparisons of memory, for programs that are linked against musl. Its own compare byte by byte and copy
//! overlapping ranges backwards by an instruction that takes a cycle a byte: maps of texts, which this program is full of,
//! do little else. A program that depends on this crate has those of `mem.c` instead, by their names; there is nothing to
//! call. For other C libraries the crate is empty.

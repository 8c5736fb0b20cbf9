//! How plain scalars become values.

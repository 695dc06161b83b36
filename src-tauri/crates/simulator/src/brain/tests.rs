//! The brain's rules, one row each.

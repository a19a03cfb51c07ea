//! A counterexample as one page.

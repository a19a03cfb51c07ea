//! A run as a drawing.

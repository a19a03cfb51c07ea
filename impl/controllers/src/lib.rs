//! What each controller does about what it observes.

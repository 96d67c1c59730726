//! Support library of the whole-stack tests.

//! Tests of the opening handshake that span several of its files.

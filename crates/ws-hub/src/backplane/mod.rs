//! What carries messages, presence and history from one node to the others.

//! Sessions, rooms, presence, recovery and broadcast for WebSocket servers, on one machine or on many.

pub mod backplane;

//! ws-tower

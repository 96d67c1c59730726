//! Sans-IO tests in the order of RFC 6455, each for both roles: no sockets, no time.
//!
//! [`wire`] writes frames by hand, [`trace`] writes down what an endpoint tells, [`model`] says what it must tell, [`pair`]
//! joins two endpoints. [`exhaustive`] goes through everything that is finite.

mod inflate;
mod model;
mod pair;
mod trace;
mod wire;

mod close_codes_7_4;
mod closing_7;
mod control_5_5;
mod data_5_6;
mod fragmentation_5_4;
mod framing_5_2;
mod lengths_5_2;
mod limits_10_4;
mod masking_5_1;
mod utf8_8_1;

#[cfg(feature = "deflate")]
mod deflate_7692;

mod differential;
mod exhaustive;
mod sequences;
mod violations;

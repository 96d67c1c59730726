//! Which pages may connect: [`CheckOrigin`], and the patterns it is made of.

mod check;
mod pattern;

pub use self::{
    check::{CheckOrigin, OriginPredicate},
    pattern::{InvalidOriginPattern, OriginPattern},
};

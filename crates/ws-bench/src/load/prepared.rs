//! The messages of a workload, in every encoding that a server has agreed to.

use std::{cell::RefCell, rc::Rc};

use super::{
    extension::Encoding,
    payload::{Random, payloads},
    requests::Requests,
};
use crate::{
    Result,
    workload::{Content, Takeover, Workload},
};

/// What goes out is built once for all rounds and servers.
#[derive(Debug)]
pub(crate) struct Prepared {
    opcode: u8,
    deflate: Option<Takeover>,
    /// Socket.IO is spoken.
    pub(super) is_event: bool,
    depth: usize,
    payloads: Vec<Vec<u8>>,
    built: RefCell<Vec<Rc<Requests>>>,
}

impl Prepared {
    pub(crate) fn new(workload: &Workload) -> Self {
        // RFC 6455 11.8: 1 is a text frame, 2 a binary one.
        let opcode = if workload.content == Content::Binary { 2 } else { 1 };
        Self {
            opcode,
            deflate: workload.deflate,
            is_event: workload.content == Content::Event,
            depth: workload.depth,
            payloads: payloads(workload, &mut Random::new()),
            built: RefCell::default(),
        }
    }

    /// What has to be offered of permessage-deflate.
    pub(crate) fn deflate(&self) -> Option<Takeover> {
        self.deflate
    }

    /// # Errors
    /// When the payloads cannot be encoded so.
    pub(crate) fn requests(&self, encoding: Encoding) -> Result<Rc<Requests>> {
        let mut built = self.built.borrow_mut();
        if let Some(requests) = built.iter().find(|requests| requests.encoding() == encoding) {
            return Ok(requests.clone());
        }
        let requests = Rc::new(self.build(encoding)?);
        built.push(requests.clone());
        Ok(requests)
    }

    /// # Errors
    /// When the payloads cannot be encoded so.
    pub(crate) fn build(&self, encoding: Encoding) -> Result<Requests> {
        Requests::new(self.opcode, &self.payloads, encoding, self.depth, &mut Random::new())
    }
}

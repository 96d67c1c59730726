//! Events of `VENDORS`.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{protocol::EventData, types::EventSubscription};

/// A vendor, a plugin or script of OBS, tells something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct VendorEvent {
    /// Name of the vendor: of a plugin or script of OBS.
    pub vendor_name: String,
    /// Name of the event, as the vendor calls it.
    pub event_type: String,
    /// What the sender put into it: an object.
    #[serde(default)]
    pub event_data: Value,
}

impl EventData for VendorEvent {
    const TYPE: &'static str = "VendorEvent";
    const SUBSCRIPTION: EventSubscription = EventSubscription::VENDORS;
}

//! Events of `FILTERS`.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    protocol::EventData,
    types::{EventSubscription, Filter},
};

/// A filter was added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SourceFilterCreated {
    /// Name of the source.
    pub source_name: String,
    /// Name of the filter.
    pub filter_name: String,
    /// Kind of the filter.
    pub filter_kind: String,
    /// Position of the filter in its list, from 0.
    pub filter_index: u32,
    /// Settings of the filter: an object.
    #[serde(default)]
    pub filter_settings: Value,
    /// Settings that the filter has unless they are set: an object.
    #[serde(default)]
    pub default_filter_settings: Value,
}

impl EventData for SourceFilterCreated {
    const TYPE: &'static str = "SourceFilterCreated";
    const SUBSCRIPTION: EventSubscription = EventSubscription::FILTERS;
}

/// A filter was turned on or off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SourceFilterEnableStateChanged {
    /// Name of the source.
    pub source_name: String,
    /// Name of the filter.
    pub filter_name: String,
    /// Whether the filter is on.
    pub filter_enabled: bool,
}

impl EventData for SourceFilterEnableStateChanged {
    const TYPE: &'static str = "SourceFilterEnableStateChanged";
    const SUBSCRIPTION: EventSubscription = EventSubscription::FILTERS;
}

/// The filters of a source have another order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SourceFilterListReindexed {
    /// Name of the source.
    pub source_name: String,
    /// The filters in their order.
    pub filters: Vec<Filter>,
}

impl EventData for SourceFilterListReindexed {
    const TYPE: &'static str = "SourceFilterListReindexed";
    const SUBSCRIPTION: EventSubscription = EventSubscription::FILTERS;
}

/// A filter was renamed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SourceFilterNameChanged {
    /// Name of the source.
    pub source_name: String,
    /// Name that the filter had.
    pub old_filter_name: String,
    /// Name of the filter.
    pub filter_name: String,
}

impl EventData for SourceFilterNameChanged {
    const TYPE: &'static str = "SourceFilterNameChanged";
    const SUBSCRIPTION: EventSubscription = EventSubscription::FILTERS;
}

/// A filter was removed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SourceFilterRemoved {
    /// Name of the source.
    pub source_name: String,
    /// Name of the filter.
    pub filter_name: String,
}

impl EventData for SourceFilterRemoved {
    const TYPE: &'static str = "SourceFilterRemoved";
    const SUBSCRIPTION: EventSubscription = EventSubscription::FILTERS;
}

/// Settings of a filter were set.
///
/// Since obs-websocket 5.4.0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SourceFilterSettingsChanged {
    /// Name of the source.
    pub source_name: String,
    /// Name of the filter.
    pub filter_name: String,
    /// Settings of the filter: an object.
    #[serde(default)]
    pub filter_settings: Value,
}

impl EventData for SourceFilterSettingsChanged {
    const TYPE: &'static str = "SourceFilterSettingsChanged";
    const SUBSCRIPTION: EventSubscription = EventSubscription::FILTERS;
}

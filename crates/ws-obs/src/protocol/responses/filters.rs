//! Answers: filters.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::types::Filter;

/// The answer to [`GetSourceFilter`](crate::requests::GetSourceFilter).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSourceFilter {
    /// Whether the filter is on.
    pub filter_enabled: bool,
    /// Position of the filter in its list, from 0.
    pub filter_index: u32,
    /// Kind of the filter.
    pub filter_kind: String,
    /// Settings of the filter: an object.
    #[serde(default)]
    pub filter_settings: Value,
}

/// The answer to [`GetSourceFilterDefaultSettings`](crate::requests::GetSourceFilterDefaultSettings).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSourceFilterDefaultSettings {
    /// Settings that the filter has unless they are set: an object.
    #[serde(default)]
    pub default_filter_settings: Value,
}

/// The answer to [`GetSourceFilterKindList`](crate::requests::GetSourceFilterKindList).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSourceFilterKindList {
    /// The kinds of filters.
    pub source_filter_kinds: Vec<String>,
}

/// The answer to [`GetSourceFilterList`](crate::requests::GetSourceFilterList).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetSourceFilterList {
    /// The filters in their order.
    pub filters: Vec<Filter>,
}

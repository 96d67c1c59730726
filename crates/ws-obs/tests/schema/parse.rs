//! The schema as it stands in the file.

use std::collections::BTreeMap;

use serde::Deserialize;

/// All of the protocol.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Schema {
    pub(crate) fields: BTreeMap<String, FieldType>,
    pub(crate) objects: BTreeMap<String, Object>,
    pub(crate) enums: BTreeMap<String, Texts>,
    pub(crate) codes: BTreeMap<String, Codes>,
    pub(crate) subscriptions: Subscriptions,
    pub(crate) requests: BTreeMap<String, BTreeMap<String, Request>>,
    pub(crate) events: BTreeMap<String, BTreeMap<String, Object>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FieldType {
    pub(crate) r#type: String,
    pub(crate) doc: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Object {
    pub(crate) doc: String,
    pub(crate) since: Option<String>,
    #[serde(default)]
    pub(crate) fields: Vec<Field>,
    /// The only field is the whole of it.
    #[serde(default)]
    pub(crate) is_transparent: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    pub(crate) doc: String,
    pub(crate) since: Option<String>,
    #[serde(default, rename = "in")]
    pub(crate) input: Vec<Field>,
    #[serde(default, rename = "out")]
    pub(crate) output: Vec<Field>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Texts {
    pub(crate) doc: String,
    pub(crate) prefix: String,
    pub(crate) values: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Codes {
    pub(crate) doc: String,
    pub(crate) values: Vec<Code>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Code {
    pub(crate) value: i32,
    pub(crate) name: String,
    pub(crate) doc: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Subscriptions {
    pub(crate) values: Vec<Subscription>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Subscription {
    pub(crate) bit: u32,
    pub(crate) name: String,
    pub(crate) doc: String,
}

/// `name`, `name?`, `name: type`, `name (range)`, or `@id`.
#[derive(Deserialize)]
#[serde(from = "String")]
pub(crate) struct Field {
    pub(crate) wire: String,
    pub(crate) is_optional: bool,
    pub(crate) is_id: bool,
    pub(crate) r#type: Option<String>,
    pub(crate) range: Option<String>,
}

impl From<String> for Field {
    fn from(text: String) -> Self {
        let (text, range) = match text.split_once(" (") {
            Some((text, range)) => (text, Some(range.trim_end_matches(')').to_owned())),
            None => (text.as_str(), None),
        };
        let (name, r#type) = match text.split_once(": ") {
            Some((name, r#type)) => (name, Some(r#type.to_owned())),
            None => (text, None),
        };
        let wire = name.trim_start_matches('@').trim_end_matches('?').to_owned();
        Self { wire, is_optional: name.ends_with('?'), is_id: name.starts_with('@'), r#type, range }
    }
}

impl Field {
    /// The name in the list of fields, unless it stands for two of them.
    pub(crate) fn name(&self) -> Option<&str> {
        (!self.is_id).then_some(&self.wire)
    }
}

impl Schema {
    pub(crate) fn parse(text: &str) -> Self {
        toml::from_str(text).expect("the schema is as the types here say")
    }

    /// Every field of every object, request, answer and event.
    pub(crate) fn all_fields(&self) -> impl Iterator<Item = &Field> {
        let objects = self.objects.values().chain(self.events.values().flat_map(BTreeMap::values));
        let requests = self.requests.values().flat_map(BTreeMap::values);
        let requests = requests.flat_map(|request| request.input.iter().chain(&request.output));
        objects.flat_map(|object| &object.fields).chain(requests)
    }
}

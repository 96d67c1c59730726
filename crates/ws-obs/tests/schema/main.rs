//! The types of the protocol are what the generator makes of the schema, and what the protocol has.
//!
//! `WS_OBS_GENERATE=1 cargo test -p ws-obs --test schema` writes them anew.

mod case;
mod names;
mod parse;
mod write;

use std::{collections::BTreeMap, env, fs, path::Path};

use self::parse::Schema;

fn schema() -> Schema {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/protocol.toml");
    Schema::parse(&fs::read_to_string(path).expect("the schema can be read"))
}

#[test]
fn generated_code_is_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/protocol");
    let files = write::files(&schema());
    if env::var_os("WS_OBS_GENERATE").is_some() {
        for (path, text) in &files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("it is below the root"))
                .expect("a directory can be made");
            fs::write(path, text).expect("a file can be written");
        }
    }
    let mut stale: Vec<_> = files
        .iter()
        .filter(|(path, text)| fs::read_to_string(root.join(path)).ok().as_ref() != Some(*text))
        .map(|(path, _)| path.clone())
        .collect();
    for folder in ["events", "requests", "responses", "types"] {
        for entry in fs::read_dir(root.join(folder)).into_iter().flatten().flatten() {
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            // What is left of something that is not in the schema any more.
            let is_generated =
                || fs::read_to_string(entry.path()).is_ok_and(|text| text.contains(write::NOTICE));
            if !files.contains_key(&path) && is_generated() {
                stale.push(path);
            }
        }
    }
    assert!(stale.is_empty(), "run WS_OBS_GENERATE=1 cargo test -p ws-obs --test schema, for {stale:?}");
}

#[test]
fn there_are_as_many_requests_events_and_codes_as_the_protocol_has() {
    let schema = schema();
    let requests: BTreeMap<_, _> =
        schema.requests.iter().map(|(category, requests)| (category.as_str(), requests.len())).collect();
    assert_eq!(requests, BTreeMap::from(names::REQUESTS_BY_CATEGORY));
    let events: BTreeMap<_, _> =
        schema.events.iter().map(|(subscription, events)| (subscription.as_str(), events.len())).collect();
    assert_eq!(events, BTreeMap::from(names::EVENTS_BY_SUBSCRIPTION));
    let codes: usize = schema.codes.values().map(|codes| codes.values.len()).sum();
    let texts = schema.enums["MediaAction"].values.len() + schema.enums["OutputState"].values.len();
    // The flags, and `None` and `All` beside them.
    assert_eq!(codes + texts + schema.subscriptions.values.len() + 2, 94);
}

#[test]
fn every_request_and_event_of_the_protocol_has_its_type() {
    let mut requests = names::REQUESTS.to_vec();
    requests.sort_unstable();
    assert_eq!(requests.len(), 147);
    assert_eq!(ws_obs::requests::TYPES, requests);
    let mut events = names::EVENTS.to_vec();
    events.sort_unstable();
    assert_eq!(events.len(), 60);
    assert_eq!(ws_obs::events::TYPES, events);
}

#[test]
fn every_field_of_the_list_is_used_and_every_used_field_is_listed() {
    let schema = schema();
    let mut unused: Vec<_> = schema.fields.keys().cloned().collect();
    for field in schema.all_fields() {
        let Some(name) = field.name() else { continue };
        assert!(schema.fields.contains_key(name), "{name} is not in [fields]");
        unused.retain(|each| each != name);
    }
    assert!(unused.is_empty(), "{unused:?}");
}

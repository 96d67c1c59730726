//! Rust from the schema, formatted as rustfmt would.

use std::{collections::BTreeMap, fmt::Write as _};

use crate::{
    case::{constant, lower_first, module, pascal, snake},
    parse::{Codes, Field, Object, Request, Schema, Texts},
};

/// What every file begins with, below its own line.
pub(crate) const NOTICE: &str =
    "// Generated from schema/protocol.toml by tests/schema: change that instead.\n";
const DERIVES: &str = "#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]\n#[serde(rename_all = \"camelCase\")]\n#[non_exhaustive]\n";
const MAX_WIDTH: usize = 110;

/// The files below `src/protocol`.
pub(crate) fn files(schema: &Schema) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for (category, requests) in &schema.requests {
        files.insert(format!("requests/{}.rs", module(category)), requests_of(schema, category, requests));
        let answered: BTreeMap<_, _> =
            requests.iter().filter(|(_, request)| !request.output.is_empty()).collect();
        if !answered.is_empty() {
            files.insert(
                format!("responses/{}.rs", module(category)),
                responses_of(schema, category, &answered),
            );
        }
    }
    let names = schema.requests.values().flat_map(BTreeMap::keys);
    let mut index = index("All requests, by category.", schema.requests.keys().map(|name| module(name)));
    index.push_str(&types("requests", names));
    files.insert("requests/mod.rs".into(), index);
    let answering =
        schema.requests.iter().filter(|(_, requests)| requests.values().any(|each| !each.output.is_empty()));
    let answering = answering.map(|(category, _)| module(category));
    files.insert(
        "responses/mod.rs".into(),
        self::index("The answers to the requests of the same names.", answering),
    );
    for (subscription, events) in &schema.events {
        files.insert(format!("events/{}.rs", module(subscription)), events_of(schema, subscription, events));
    }
    files.insert("events/mod.rs".into(), event_enum(schema));
    files.insert("types/objects.rs".into(), objects(schema));
    files.insert("types/texts.rs".into(), texts(&schema.enums));
    files.insert("types/codes.rs".into(), codes(&schema.codes));
    files.insert("types/subscription.rs".into(), subscriptions(schema));
    files
}

fn requests_of(schema: &Schema, category: &str, requests: &BTreeMap<String, Request>) -> String {
    let mut out = format!("//! Requests: {category}.\n{NOTICE}\n");
    let all: Vec<_> = requests.values().flat_map(|request| &request.input).collect();
    let value = external_imports(&mut out, schema, &all);
    let mut used: Vec<String> = vec!["protocol::Request".into()];
    if all.iter().any(|field| field.is_id) {
        used.push("Id".into());
    }
    if requests.values().any(|request| !request.output.is_empty()) {
        used.push("responses".into());
    }
    used.extend(types_path(&named_types(schema, all.into_iter())));
    out.push_str(&import(&mut used));
    for (name, request) in requests {
        let docs = doc(&request.doc, request.since.as_deref());
        structure(&mut out, schema, name, &docs, &request.input, true);
        constructor(&mut out, schema, name, &request.input);
        let response = if request.output.is_empty() { "()".into() } else { format!("responses::{name}") };
        let _ = write!(
            out,
            "\nimpl Request for {name} {{\n    const TYPE: &'static str = \"{name}\";\n    type Response = {response};\n"
        );
        if request.output.is_empty() {
            let _ = writeln!(
                out,
                "\n    fn response(_data: &{value}) -> Result<(), serde_json::Error> {{\n        Ok(())\n    }}"
            );
        }
        out.push_str("}\n");
    }
    out
}

fn responses_of(schema: &Schema, category: &str, requests: &BTreeMap<&String, &Request>) -> String {
    let mut out = format!("//! Answers: {category}.\n{NOTICE}\n");
    let all: Vec<_> = requests.values().flat_map(|request| &request.output).collect();
    external_imports(&mut out, schema, &all);
    match types_path(&named_types(schema, all.into_iter())) {
        Some(path) => out.push_str(&import(&mut [path])),
        None => out.truncate(out.len() - 1),
    }
    for (name, request) in requests {
        let docs = doc(&format!("The answer to [`{name}`](crate::requests::{name})."), None);
        structure(&mut out, schema, name, &docs, &request.output, false);
    }
    out
}

fn events_of(schema: &Schema, subscription: &str, events: &BTreeMap<String, Object>) -> String {
    let flag = constant(subscription);
    let mut out = format!("//! Events of `{flag}`.\n{NOTICE}\n");
    let all: Vec<_> = events.values().flat_map(|event| &event.fields).collect();
    external_imports(&mut out, schema, &all);
    let mut named = named_types(schema, all.into_iter());
    named.push("EventSubscription".into());
    named.sort();
    let types = types_path(&named).expect("there is one");
    out.push_str(&import(&mut ["protocol::EventData".into(), types]));
    for (name, event) in events {
        structure(&mut out, schema, name, &doc(&event.doc, event.since.as_deref()), &event.fields, false);
        if event.is_transparent {
            out = replace_last(&out, "#[serde(rename_all = \"camelCase\")]", "#[serde(transparent)]");
            out = replace_last(&out, "    #[serde(default)]\n", "");
        }
        let _ = write!(
            out,
            "\nimpl EventData for {name} {{\n    const TYPE: &'static str = \"{name}\";\n    const SUBSCRIPTION: EventSubscription = EventSubscription::{flag};\n}}\n"
        );
    }
    out
}

fn event_enum(schema: &Schema) -> String {
    let mut out = index(
        "All events, by what they are subscribed to with.",
        schema.events.keys().map(|name| module(name)),
    );
    let names: Vec<_> = {
        let mut names: Vec<_> = schema.events.values().flat_map(BTreeMap::keys).collect();
        names.sort();
        names
    };
    out.push_str(&types("events", names.iter().copied()));
    out.push_str(
        "\n/// Something that happened in OBS.\n#[derive(Clone, Debug, PartialEq)]\n#[non_exhaustive]\npub enum Event {\n",
    );
    for name in &names {
        let event = schema.events.values().find_map(|events| events.get(*name)).expect("it is there");
        let _ = writeln!(out, "    /// {}\n    {name}({name}),", event.doc);
    }
    out.push_str(
        "    /// An event that is not known here, or whose data is not as it is known.\n    Unknown(RawEvent),\n}\n",
    );
    out.push_str("\nimpl From<RawEvent> for Event {\n    fn from(event: RawEvent) -> Self {\n        let known = match &*event.event_type {\n");
    for name in &names {
        let line = format!("            \"{name}\" => event.decode().map(Self::{name}),\n");
        if line.len() <= MAX_WIDTH + 1 {
            out.push_str(&line);
        } else {
            let _ = writeln!(
                out,
                "            \"{name}\" => {{\n                event.decode().map(Self::{name})\n            }}"
            );
        }
    }
    out.push_str("            _ => return Self::Unknown(event),\n        };\n        known.unwrap_or(Self::Unknown(event))\n    }\n}\n");
    out.replace("mod vendors;\n\npub use", "mod vendors;\n\nuse crate::protocol::RawEvent;\n\npub use")
}

fn objects(schema: &Schema) -> String {
    let mut out = format!("//! Objects within requests, answers and events.\n{NOTICE}\n");
    let all: Vec<_> = schema.objects.values().flat_map(|object| &object.fields).collect();
    external_imports(&mut out, schema, &all);
    let mut named = named_types(schema, all.into_iter());
    named.retain(|name| !schema.objects.contains_key(name));
    let _ = writeln!(out, "use super::{{{}}};", named.join(", "));
    for (name, object) in &schema.objects {
        let is_sent = object.fields.iter().all(|field| field.is_optional) && name != "CanvasVideoSettings";
        structure(&mut out, schema, name, &doc(&object.doc, None), &object.fields, is_sent);
        if is_sent {
            constructor(&mut out, schema, name, &object.fields);
        }
    }
    out
}

fn texts(enums: &BTreeMap<String, Texts>) -> String {
    let mut out = format!(
        "//! Enumerations that are text on the wire. What is not listed is kept.\n{NOTICE}\nuse super::text::text_enum;\n"
    );
    for (name, texts) in enums {
        let _ = write!(out, "\ntext_enum! {{\n    /// {}\n    {name} \"{}\" {{\n", texts.doc, texts.prefix);
        for value in &texts.values {
            let _ = writeln!(out, "        {} = \"{}{value}\",", pascal(value), texts.prefix);
        }
        out.push_str("    }\n}\n");
    }
    out
}

fn codes(codes: &BTreeMap<String, Codes>) -> String {
    let mut out = format!(
        "//! Enumerations that are numbers on the wire. Any number is kept.\n{NOTICE}\nuse super::code::code;\n"
    );
    for (name, codes) in codes {
        let number = match name.as_str() {
            "ExecutionType" => "i8",
            "OpCode" => "u8",
            _ => "u16",
        };
        let _ = write!(out, "\ncode! {{\n    /// {}\n    {name}({number}) {{\n", codes.doc);
        for code in &codes.values {
            let _ = writeln!(
                out,
                "        /// {}: {}\n        {} = {},",
                code.value,
                lower_first(&code.doc),
                code.name,
                code.value
            );
        }
        out.push_str("    }\n}\n");
    }
    out
}

fn subscriptions(schema: &Schema) -> String {
    let mut out = format!(
        "//! What can be subscribed to.\n{NOTICE}\nbitflags::bitflags! {{\n    /// Kinds of events, as bits. Bits that are not known here are kept.\n    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]\n    pub struct EventSubscription: u32 {{\n"
    );
    let mut all = 0_u32;
    for value in &schema.subscriptions.values {
        let _ = writeln!(
            out,
            "        /// {}\n        const {} = 1 << {};",
            value.doc,
            constant(&value.name),
            value.bit
        );
        if value.bit < 16 {
            all |= 1 << value.bit;
        }
    }
    let _ = write!(
        out,
        "        /// Everything but what comes in masses.\n        const ALL = {all};\n        // Servers of later versions have more.\n        const _ = !0;\n    }}\n}}\n"
    );
    out
}

/// Imports what the fields need of other crates; gives how the file writes `Value`.
fn external_imports(out: &mut String, schema: &Schema, fields: &[&Field]) -> &'static str {
    let uses = |name: &str| fields.iter().any(|field| type_of(schema, field).contains(name));
    if uses("BTreeMap") {
        out.push_str("use std::collections::BTreeMap;\n\n");
    }
    out.push_str("use serde::{Deserialize, Serialize};\n");
    let value = if uses("Value") {
        out.push_str("use serde_json::Value;\n");
        "Value"
    } else {
        "serde_json::Value"
    };
    out.push('\n');
    value
}

/// `types::A` or `types::{A, B}`.
fn types_path(names: &[String]) -> Option<String> {
    match names {
        [] => None,
        [name] => Some(format!("types::{name}")),
        names => Some(format!("types::{{{}}}", names.join(", "))),
    }
}

fn import(names: &mut [String]) -> String {
    // rustfmt's order: types before modules.
    names.sort_by_key(|name| (!name.starts_with(char::is_uppercase), name.clone()));
    match &*names {
        [name] => format!("use crate::{name};\n"),
        names => {
            let line = format!("use crate::{{{}}};\n", names.join(", "));
            if line.len() <= MAX_WIDTH && !line[12..].contains('{') {
                return line;
            }
            let lines: String = names.iter().map(|name| format!("    {name},\n")).collect();
            format!("use crate::{{\n{lines}}};\n")
        }
    }
}

fn structure(out: &mut String, schema: &Schema, name: &str, docs: &str, fields: &[Field], is_sent: bool) {
    let _ = write!(out, "\n{docs}{DERIVES}");
    if is_sent && fields.iter().all(|field| field.is_optional) {
        // There is a `new` without arguments.
        *out = replace_last(
            out,
            "#[derive(Clone, Debug, PartialEq",
            "#[derive(Clone, Debug, Default, PartialEq",
        );
    }
    if fields.is_empty() {
        // An empty object, not null.
        let _ = writeln!(out, "pub struct {name} {{}}");
        return;
    }
    let _ = writeln!(out, "pub struct {name} {{");
    for field in fields {
        let _ = writeln!(out, "    /// {}", field_doc(schema, field, is_sent));
        let rust = type_of(schema, field);
        if field.is_id {
            let _ = writeln!(out, "    #[serde(flatten, with = \"crate::id::{}\")]", snake(&field.wire));
        } else if field.is_optional && (is_sent || rust != "Value") {
            let with = if rust.starts_with("Option<Option") {
                ", default, with = \"crate::id::nullable\""
            } else {
                ""
            };
            let _ = writeln!(out, "    #[serde(skip_serializing_if = \"Option::is_none\"{with})]");
        } else if rust == "Value" {
            out.push_str("    #[serde(default)]\n");
        }
        let rust = if field.is_optional && (is_sent || rust != "Value") && !rust.starts_with("Option<") {
            format!("Option<{rust}>")
        } else {
            rust
        };
        let _ = writeln!(out, "    pub {}: {rust},", snake(&field.wire));
    }
    out.push_str("}\n");
}

fn constructor(out: &mut String, schema: &Schema, name: &str, fields: &[Field]) {
    let (optional, required): (Vec<_>, Vec<_>) = fields.iter().partition(|field| field.is_optional);
    let parameters: Vec<_> = required
        .iter()
        .map(|field| format!("{}: {}", snake(&field.wire), parameter(schema, field)))
        .collect();
    let docs = match (required.is_empty(), optional.is_empty()) {
        (true, false) => "With nothing set.",
        (false, false) => "With what it needs; what may be set beside is left out.",
        _ => "What it says.",
    };
    let _ = write!(out, "\nimpl {name} {{\n    /// {docs}\n    #[must_use]\n");
    signature(out, "new", &parameters, "Self");
    let values: Vec<_> = fields
        .iter()
        .map(|field| {
            let name = snake(&field.wire);
            if field.is_optional { format!("{name}: None") } else { converted(schema, field) }
        })
        .collect();
    let line = format!("        Self {{ {} }}\n", values.join(", "));
    if values.is_empty() {
        out.push_str("        Self {}\n");
    } else if line.len() <= MAX_WIDTH + 1 {
        out.push_str(&line);
    } else {
        out.push_str("        Self {\n");
        for value in values {
            let _ = writeln!(out, "            {value},");
        }
        out.push_str("        }\n");
    }
    out.push_str("    }\n");
    for field in optional {
        let name = snake(&field.wire);
        let _ = write!(out, "\n    /// {}\n    #[must_use]\n", field_doc(schema, field, true));
        signature(out, &name, &["mut self".into(), format!("{name}: {}", parameter(schema, field))], "Self");
        let value = converted(schema, field);
        let value = value.split_once(": ").map_or(name.as_str(), |(_, value)| value);
        let _ = write!(out, "        self.{name} = Some({value});\n        self\n    }}\n");
    }
    out.push_str("}\n");
}

fn signature(out: &mut String, name: &str, parameters: &[String], result: &str) {
    let line = format!("    pub fn {name}({}) -> {result} {{\n", parameters.join(", "));
    if line.len() <= MAX_WIDTH + 1 {
        out.push_str(&line);
        return;
    }
    let _ = writeln!(out, "    pub fn {name}(");
    for parameter in parameters {
        let _ = writeln!(out, "        {parameter},");
    }
    let _ = writeln!(out, "    ) -> {result} {{");
}

fn parameter(schema: &Schema, field: &Field) -> String {
    match type_of(schema, field).as_str() {
        "Option<Id>" | "Id" => "impl Into<Id>".into(),
        "Option<Option<String>>" => "Option<&str>".into(),
        "Option<Option<u32>>" => "impl Into<Option<u32>>".into(),
        "String" => "impl Into<String>".into(),
        "Value" => "impl Into<Value>".into(),
        other => other.into(),
    }
}

fn converted(schema: &Schema, field: &Field) -> String {
    let name = snake(&field.wire);
    match parameter(schema, field).as_str() {
        "Option<&str>" => format!("{name}: {name}.map(Into::into)"),
        parameter if parameter.starts_with("impl Into") => format!("{name}: {name}.into()"),
        _ => name,
    }
}

fn field_doc(schema: &Schema, field: &Field, is_sent: bool) -> String {
    if field.is_id {
        return match field.wire.as_str() {
            "destinationScene" => "Scene that the copy goes to; the same unless set.".into(),
            "input" => "The input.".into(),
            "scene" => "The scene.".into(),
            _ => "The source.".into(),
        };
    }
    let mut doc = schema.fields[&field.wire].doc.clone();
    if let Some(range) = &field.range {
        match range.split_once(" to ") {
            Some((least, most)) => {
                let _ = write!(doc, " From {least} to {most}.");
            }
            None => {
                let _ = write!(doc, " {} at least.", range.trim_end_matches(" or more"));
            }
        }
    }
    if field.is_optional && !is_sent && type_of(schema, field) != "Value" {
        doc.push_str(" `None` if there is none, or the server is too old to tell.");
    }
    doc
}

fn raw_type(schema: &Schema, field: &Field) -> String {
    match &field.r#type {
        Some(r#type) => r#type.clone(),
        None if field.is_id => "Id".into(),
        None => schema.fields[&field.wire].r#type.clone(),
    }
}

/// What is within a list or a map.
fn base(r#type: &str) -> &str {
    r#type.trim_matches(['[', ']', '{', '}'])
}

fn type_of(schema: &Schema, field: &Field) -> String {
    let r#type = raw_type(schema, field);
    if field.is_id {
        return if field.is_optional { "Option<Id>".into() } else { "Id".into() };
    }
    if r#type == "[levels]" {
        return "Vec<[f64; 3]>".into();
    }
    if let Some(inner) = r#type.strip_suffix("|null") {
        return format!("Option<Option<{}>>", simple(inner));
    }
    match (r#type.strip_prefix('['), r#type.strip_prefix('{')) {
        (Some(inner), _) => format!("Vec<{}>", simple(inner.trim_end_matches(']'))),
        (_, Some(inner)) => format!("BTreeMap<String, {}>", simple(inner.trim_end_matches('}'))),
        _ => simple(&r#type).into(),
    }
}

fn simple(r#type: &str) -> &str {
    match r#type {
        "str" => "String",
        "any" => "Value",
        other => other,
    }
}

/// The types of ours among those of the fields.
fn named_types<'a>(schema: &Schema, fields: impl Iterator<Item = &'a Field>) -> Vec<String> {
    let is_ours = |name: &str| {
        schema.objects.contains_key(name) || schema.enums.contains_key(name) || name == "Alignment"
    };
    let mut names: Vec<_> = fields
        .filter(|field| !field.is_id)
        .map(|field| base(&raw_type(schema, field)).to_owned())
        .filter(|name| is_ours(name))
        .collect();
    names.sort();
    names.dedup();
    names
}

fn index(docs: &str, modules: impl Iterator<Item = String>) -> String {
    let modules: Vec<_> = modules.collect();
    let mut out = format!("//! {docs}\n{NOTICE}\n");
    for module in &modules {
        let _ = writeln!(out, "mod {module};");
    }
    let uses: String = modules.iter().map(|module| format!("{module}::*, ")).collect();
    let line = format!("\npub use self::{{{}}};\n", uses.trim_end_matches(", "));
    if line.len() - 1 <= MAX_WIDTH {
        out.push_str(&line);
    } else {
        out.push_str("\npub use self::{\n");
        let mut row = String::from("   ");
        for module in &modules {
            let word = format!(" {module}::*,");
            if row.len() + word.len() > MAX_WIDTH {
                let _ = writeln!(out, "{row}");
                row = String::from("   ");
            }
            row.push_str(&word);
        }
        let _ = write!(out, "{row}\n}};\n");
    }
    out
}

/// The constant that lists the names.
fn types<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> String {
    let mut names: Vec<_> = names.collect();
    names.sort();
    let mut out = format!(
        "\n/// The names of all {what} that are known here, sorted.\npub const TYPES: &[&str] = &[\n"
    );
    for name in names {
        let _ = writeln!(out, "    \"{name}\",");
    }
    out.push_str("];\n");
    out
}

fn doc(text: &str, since: Option<&str>) -> String {
    match since {
        Some(version) => format!("/// {text}\n///\n/// Since obs-websocket {version}.\n"),
        None => format!("/// {text}\n"),
    }
}

fn replace_last(text: &str, from: &str, to: &str) -> String {
    let at = text.rfind(from).expect("it is there");
    format!("{}{to}{}", &text[..at], &text[at + from.len()..])
}

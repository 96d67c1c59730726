//! What requests name scenes, inputs and sources by.

use std::fmt;

/// A scene, an input or another source, by its name or by its UUID.
///
/// Text is taken for a name. UUIDs stay when something is renamed; servers before obs-websocket 5.4 have none.
///
/// ```
/// use ws_obs::{Id, requests::SetCurrentProgramScene};
///
/// let by_name = SetCurrentProgramScene::new("Live");
/// let by_uuid = SetCurrentProgramScene::new(Id::uuid("7c2ac9e1-3c5a-4b43-b1a7-34a5ef0e5c3f"));
/// # let _ = (by_name, by_uuid);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the protocol has these two ways")]
pub enum Id {
    /// By its name.
    Name(String),
    /// By its UUID.
    Uuid(String),
}

impl Id {
    /// By its UUID.
    #[must_use]
    pub fn uuid(uuid: impl Into<String>) -> Self {
        Self::Uuid(uuid.into())
    }
}

impl From<&str> for Id {
    fn from(name: &str) -> Self {
        Self::Name(name.into())
    }
}

impl From<&String> for Id {
    fn from(name: &String) -> Self {
        Self::Name(name.into())
    }
}

impl From<String> for Id {
    fn from(name: String) -> Self {
        Self::Name(name)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(text) | Self::Uuid(text) => f.write_str(text),
        }
    }
}

/// Two fields on the wire, of which one is there.
macro_rules! fields {
    ($($module:ident $name:literal $uuid:literal,)+) => {
        $(
            pub(crate) mod $module {
                use serde::{Deserialize, Deserializer, Serialize, Serializer};

                use super::Id;

                #[derive(Default, Serialize, Deserialize)]
                struct Fields {
                    #[serde(rename = $name, skip_serializing_if = "Option::is_none")]
                    name: Option<String>,
                    #[serde(rename = $uuid, skip_serializing_if = "Option::is_none")]
                    uuid: Option<String>,
                }

                pub(crate) fn serialize<'a, S: Serializer>(
                    id: impl Into<Option<&'a Id>>,
                    serializer: S,
                ) -> Result<S::Ok, S::Error> {
                    let mut fields = Fields::default();
                    match id.into() {
                        Some(Id::Name(name)) => fields.name = Some(name.clone()),
                        Some(Id::Uuid(uuid)) => fields.uuid = Some(uuid.clone()),
                        None => {}
                    }
                    fields.serialize(serializer)
                }

                pub(crate) fn deserialize<'de, D, I>(deserializer: D) -> Result<I, D::Error>
                where
                    D: Deserializer<'de>,
                    I: super::Found,
                {
                    // The server looks for the UUID first, too.
                    let fields = Fields::deserialize(deserializer)?;
                    I::found(fields.uuid.map(Id::Uuid).or(fields.name.map(Id::Name)), $name)
                }
            }
        )+
    };
}

fields! {
    destination_scene "destinationSceneName" "destinationSceneUuid",
    input "inputName" "inputUuid",
    scene "sceneName" "sceneUuid",
    source "sourceName" "sourceUuid",
}

/// What may be made of an id that is there, or not.
pub(crate) trait Found: Sized {
    fn found<E: serde::de::Error>(id: Option<Id>, field: &'static str) -> Result<Self, E>;
}

impl Found for Id {
    fn found<E: serde::de::Error>(id: Option<Id>, field: &'static str) -> Result<Self, E> {
        id.ok_or_else(|| E::missing_field(field))
    }
}

impl Found for Option<Id> {
    fn found<E: serde::de::Error>(id: Option<Id>, _field: &'static str) -> Result<Self, E> {
        Ok(id)
    }
}

/// A field that may be missing, and where null means something of its own.
pub(crate) mod nullable {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer, T: Serialize>(
        value: &Option<Option<T>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().and_then(Option::as_ref).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
        deserializer: D,
    ) -> Result<Option<Option<T>>, D::Error> {
        Option::deserialize(deserializer).map(Some)
    }
}

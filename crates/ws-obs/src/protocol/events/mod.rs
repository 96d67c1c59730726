//! All events, by what they are subscribed to with.
// Generated from schema/protocol.toml by tests/schema: change that instead.

mod canvases;
mod config;
mod filters;
mod general;
mod input_active_state_changed;
mod input_show_state_changed;
mod input_volume_meters;
mod inputs;
mod media_inputs;
mod outputs;
mod scene_item_transform_changed;
mod scene_items;
mod scenes;
mod transitions;
mod ui;
mod vendors;

use crate::protocol::RawEvent;

pub use self::{
    canvases::*, config::*, filters::*, general::*, input_active_state_changed::*,
    input_show_state_changed::*, input_volume_meters::*, inputs::*, media_inputs::*, outputs::*,
    scene_item_transform_changed::*, scene_items::*, scenes::*, transitions::*, ui::*, vendors::*,
};

/// The names of all events that are known here, sorted.
pub const TYPES: &[&str] = &[
    "CanvasCreated",
    "CanvasNameChanged",
    "CanvasRemoved",
    "CurrentPreviewSceneChanged",
    "CurrentProfileChanged",
    "CurrentProfileChanging",
    "CurrentProgramSceneChanged",
    "CurrentSceneCollectionChanged",
    "CurrentSceneCollectionChanging",
    "CurrentSceneTransitionChanged",
    "CurrentSceneTransitionDurationChanged",
    "CustomEvent",
    "ExitStarted",
    "InputActiveStateChanged",
    "InputAudioBalanceChanged",
    "InputAudioMonitorTypeChanged",
    "InputAudioSyncOffsetChanged",
    "InputAudioTracksChanged",
    "InputCreated",
    "InputMuteStateChanged",
    "InputNameChanged",
    "InputRemoved",
    "InputSettingsChanged",
    "InputShowStateChanged",
    "InputVolumeChanged",
    "InputVolumeMeters",
    "MediaInputActionTriggered",
    "MediaInputPlaybackEnded",
    "MediaInputPlaybackStarted",
    "ProfileListChanged",
    "RecordFileChanged",
    "RecordStateChanged",
    "ReplayBufferSaved",
    "ReplayBufferStateChanged",
    "SceneCollectionListChanged",
    "SceneCreated",
    "SceneItemCreated",
    "SceneItemEnableStateChanged",
    "SceneItemListReindexed",
    "SceneItemLockStateChanged",
    "SceneItemRemoved",
    "SceneItemSelected",
    "SceneItemTransformChanged",
    "SceneListChanged",
    "SceneNameChanged",
    "SceneRemoved",
    "SceneTransitionEnded",
    "SceneTransitionStarted",
    "SceneTransitionVideoEnded",
    "ScreenshotSaved",
    "SourceFilterCreated",
    "SourceFilterEnableStateChanged",
    "SourceFilterListReindexed",
    "SourceFilterNameChanged",
    "SourceFilterRemoved",
    "SourceFilterSettingsChanged",
    "StreamStateChanged",
    "StudioModeStateChanged",
    "VendorEvent",
    "VirtualcamStateChanged",
];

/// Something that happened in OBS.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A canvas was made.
    CanvasCreated(CanvasCreated),
    /// A canvas was renamed.
    CanvasNameChanged(CanvasNameChanged),
    /// A canvas was removed.
    CanvasRemoved(CanvasRemoved),
    /// Another scene is in preview.
    CurrentPreviewSceneChanged(CurrentPreviewSceneChanged),
    /// OBS has switched to another profile.
    CurrentProfileChanged(CurrentProfileChanged),
    /// OBS begins to switch to another profile.
    CurrentProfileChanging(CurrentProfileChanging),
    /// Another scene is on air.
    CurrentProgramSceneChanged(CurrentProgramSceneChanged),
    /// OBS has switched to another scene collection.
    CurrentSceneCollectionChanged(CurrentSceneCollectionChanged),
    /// OBS begins to switch to another scene collection. Until that is done, requests are answered with `NOT_READY`.
    CurrentSceneCollectionChanging(CurrentSceneCollectionChanging),
    /// Another transition is in use.
    CurrentSceneTransitionChanged(CurrentSceneTransitionChanged),
    /// The transition in use has another duration.
    CurrentSceneTransitionDurationChanged(CurrentSceneTransitionDurationChanged),
    /// A client sent something to all, by `BroadcastCustomEvent`.
    CustomEvent(CustomEvent),
    /// OBS is about to end.
    ExitStarted(ExitStarted),
    /// An input is on air, or is not any more. Many; not part of `ALL`.
    InputActiveStateChanged(InputActiveStateChanged),
    /// An input has another audio balance.
    InputAudioBalanceChanged(InputAudioBalanceChanged),
    /// An input is monitored in another way.
    InputAudioMonitorTypeChanged(InputAudioMonitorTypeChanged),
    /// The sound of an input has another delay.
    InputAudioSyncOffsetChanged(InputAudioSyncOffsetChanged),
    /// An input is mixed into other tracks.
    InputAudioTracksChanged(InputAudioTracksChanged),
    /// An input was made.
    InputCreated(InputCreated),
    /// An input was muted, or can be heard.
    InputMuteStateChanged(InputMuteStateChanged),
    /// An input was renamed.
    InputNameChanged(InputNameChanged),
    /// An input was removed.
    InputRemoved(InputRemoved),
    /// Settings of an input were set.
    InputSettingsChanged(InputSettingsChanged),
    /// An input is shown somewhere, or is not any more. Many; not part of `ALL`.
    InputShowStateChanged(InputShowStateChanged),
    /// An input has another volume.
    InputVolumeChanged(InputVolumeChanged),
    /// The levels of all inputs that are active, every 50 milliseconds. Not part of `ALL`.
    InputVolumeMeters(InputVolumeMeters),
    /// Somebody played, paused, stopped or restarted a media input.
    MediaInputActionTriggered(MediaInputActionTriggered),
    /// A media input came to its end.
    MediaInputPlaybackEnded(MediaInputPlaybackEnded),
    /// A media input began to play.
    MediaInputPlaybackStarted(MediaInputPlaybackStarted),
    /// There are other profiles.
    ProfileListChanged(ProfileListChanged),
    /// The recording goes on in another file.
    RecordFileChanged(RecordFileChanged),
    /// The recording starts, runs, pauses, goes on, or stops.
    RecordStateChanged(RecordStateChanged),
    /// A replay was written to a file.
    ReplayBufferSaved(ReplayBufferSaved),
    /// The replay buffer starts, runs, or stops.
    ReplayBufferStateChanged(ReplayBufferStateChanged),
    /// There are other scene collections.
    SceneCollectionListChanged(SceneCollectionListChanged),
    /// A scene was made.
    SceneCreated(SceneCreated),
    /// An item was added to a scene.
    SceneItemCreated(SceneItemCreated),
    /// An item was shown or hidden.
    SceneItemEnableStateChanged(SceneItemEnableStateChanged),
    /// The items of a scene have another order.
    SceneItemListReindexed(SceneItemListReindexed),
    /// An item was locked or unlocked.
    SceneItemLockStateChanged(SceneItemLockStateChanged),
    /// An item was removed from a scene; not told for each when the scene is removed.
    SceneItemRemoved(SceneItemRemoved),
    /// An item was selected in OBS.
    SceneItemSelected(SceneItemSelected),
    /// An item was moved, scaled, cropped or rotated. Many; not part of `ALL`.
    SceneItemTransformChanged(SceneItemTransformChanged),
    /// There are other scenes, or they have another order.
    SceneListChanged(SceneListChanged),
    /// A scene was renamed.
    SceneNameChanged(SceneNameChanged),
    /// A scene was removed.
    SceneRemoved(SceneRemoved),
    /// A transition between scenes is done. Not told when another one cut it short.
    SceneTransitionEnded(SceneTransitionEnded),
    /// A transition between scenes began.
    SceneTransitionStarted(SceneTransitionStarted),
    /// The video of a transition is done; its sound may not be.
    SceneTransitionVideoEnded(SceneTransitionVideoEnded),
    /// A screenshot of the program was written, by a hotkey or the menu of OBS.
    ScreenshotSaved(ScreenshotSaved),
    /// A filter was added.
    SourceFilterCreated(SourceFilterCreated),
    /// A filter was turned on or off.
    SourceFilterEnableStateChanged(SourceFilterEnableStateChanged),
    /// The filters of a source have another order.
    SourceFilterListReindexed(SourceFilterListReindexed),
    /// A filter was renamed.
    SourceFilterNameChanged(SourceFilterNameChanged),
    /// A filter was removed.
    SourceFilterRemoved(SourceFilterRemoved),
    /// Settings of a filter were set.
    SourceFilterSettingsChanged(SourceFilterSettingsChanged),
    /// The stream starts, runs, stops, or connects again.
    StreamStateChanged(StreamStateChanged),
    /// Studio mode was turned on or off.
    StudioModeStateChanged(StudioModeStateChanged),
    /// A vendor, a plugin or script of OBS, tells something.
    VendorEvent(VendorEvent),
    /// The virtual camera starts, runs, or stops.
    VirtualcamStateChanged(VirtualcamStateChanged),
    /// An event that is not known here, or whose data is not as it is known.
    Unknown(RawEvent),
}

impl From<RawEvent> for Event {
    fn from(event: RawEvent) -> Self {
        let known = match &*event.event_type {
            "CanvasCreated" => event.decode().map(Self::CanvasCreated),
            "CanvasNameChanged" => event.decode().map(Self::CanvasNameChanged),
            "CanvasRemoved" => event.decode().map(Self::CanvasRemoved),
            "CurrentPreviewSceneChanged" => event.decode().map(Self::CurrentPreviewSceneChanged),
            "CurrentProfileChanged" => event.decode().map(Self::CurrentProfileChanged),
            "CurrentProfileChanging" => event.decode().map(Self::CurrentProfileChanging),
            "CurrentProgramSceneChanged" => event.decode().map(Self::CurrentProgramSceneChanged),
            "CurrentSceneCollectionChanged" => event.decode().map(Self::CurrentSceneCollectionChanged),
            "CurrentSceneCollectionChanging" => event.decode().map(Self::CurrentSceneCollectionChanging),
            "CurrentSceneTransitionChanged" => event.decode().map(Self::CurrentSceneTransitionChanged),
            "CurrentSceneTransitionDurationChanged" => {
                event.decode().map(Self::CurrentSceneTransitionDurationChanged)
            }
            "CustomEvent" => event.decode().map(Self::CustomEvent),
            "ExitStarted" => event.decode().map(Self::ExitStarted),
            "InputActiveStateChanged" => event.decode().map(Self::InputActiveStateChanged),
            "InputAudioBalanceChanged" => event.decode().map(Self::InputAudioBalanceChanged),
            "InputAudioMonitorTypeChanged" => event.decode().map(Self::InputAudioMonitorTypeChanged),
            "InputAudioSyncOffsetChanged" => event.decode().map(Self::InputAudioSyncOffsetChanged),
            "InputAudioTracksChanged" => event.decode().map(Self::InputAudioTracksChanged),
            "InputCreated" => event.decode().map(Self::InputCreated),
            "InputMuteStateChanged" => event.decode().map(Self::InputMuteStateChanged),
            "InputNameChanged" => event.decode().map(Self::InputNameChanged),
            "InputRemoved" => event.decode().map(Self::InputRemoved),
            "InputSettingsChanged" => event.decode().map(Self::InputSettingsChanged),
            "InputShowStateChanged" => event.decode().map(Self::InputShowStateChanged),
            "InputVolumeChanged" => event.decode().map(Self::InputVolumeChanged),
            "InputVolumeMeters" => event.decode().map(Self::InputVolumeMeters),
            "MediaInputActionTriggered" => event.decode().map(Self::MediaInputActionTriggered),
            "MediaInputPlaybackEnded" => event.decode().map(Self::MediaInputPlaybackEnded),
            "MediaInputPlaybackStarted" => event.decode().map(Self::MediaInputPlaybackStarted),
            "ProfileListChanged" => event.decode().map(Self::ProfileListChanged),
            "RecordFileChanged" => event.decode().map(Self::RecordFileChanged),
            "RecordStateChanged" => event.decode().map(Self::RecordStateChanged),
            "ReplayBufferSaved" => event.decode().map(Self::ReplayBufferSaved),
            "ReplayBufferStateChanged" => event.decode().map(Self::ReplayBufferStateChanged),
            "SceneCollectionListChanged" => event.decode().map(Self::SceneCollectionListChanged),
            "SceneCreated" => event.decode().map(Self::SceneCreated),
            "SceneItemCreated" => event.decode().map(Self::SceneItemCreated),
            "SceneItemEnableStateChanged" => event.decode().map(Self::SceneItemEnableStateChanged),
            "SceneItemListReindexed" => event.decode().map(Self::SceneItemListReindexed),
            "SceneItemLockStateChanged" => event.decode().map(Self::SceneItemLockStateChanged),
            "SceneItemRemoved" => event.decode().map(Self::SceneItemRemoved),
            "SceneItemSelected" => event.decode().map(Self::SceneItemSelected),
            "SceneItemTransformChanged" => event.decode().map(Self::SceneItemTransformChanged),
            "SceneListChanged" => event.decode().map(Self::SceneListChanged),
            "SceneNameChanged" => event.decode().map(Self::SceneNameChanged),
            "SceneRemoved" => event.decode().map(Self::SceneRemoved),
            "SceneTransitionEnded" => event.decode().map(Self::SceneTransitionEnded),
            "SceneTransitionStarted" => event.decode().map(Self::SceneTransitionStarted),
            "SceneTransitionVideoEnded" => event.decode().map(Self::SceneTransitionVideoEnded),
            "ScreenshotSaved" => event.decode().map(Self::ScreenshotSaved),
            "SourceFilterCreated" => event.decode().map(Self::SourceFilterCreated),
            "SourceFilterEnableStateChanged" => event.decode().map(Self::SourceFilterEnableStateChanged),
            "SourceFilterListReindexed" => event.decode().map(Self::SourceFilterListReindexed),
            "SourceFilterNameChanged" => event.decode().map(Self::SourceFilterNameChanged),
            "SourceFilterRemoved" => event.decode().map(Self::SourceFilterRemoved),
            "SourceFilterSettingsChanged" => event.decode().map(Self::SourceFilterSettingsChanged),
            "StreamStateChanged" => event.decode().map(Self::StreamStateChanged),
            "StudioModeStateChanged" => event.decode().map(Self::StudioModeStateChanged),
            "VendorEvent" => event.decode().map(Self::VendorEvent),
            "VirtualcamStateChanged" => event.decode().map(Self::VirtualcamStateChanged),
            _ => return Self::Unknown(event),
        };
        known.unwrap_or(Self::Unknown(event))
    }
}

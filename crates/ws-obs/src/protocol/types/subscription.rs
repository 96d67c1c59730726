//! What can be subscribed to.
// Generated from schema/protocol.toml by tests/schema: change that instead.

bitflags::bitflags! {
    /// Kinds of events, as bits. Bits that are not known here are kept.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct EventSubscription: u32 {
        /// OBS as a whole, and custom events.
        const GENERAL = 1 << 0;
        /// Profiles and scene collections.
        const CONFIG = 1 << 1;
        /// Scenes.
        const SCENES = 1 << 2;
        /// Inputs.
        const INPUTS = 1 << 3;
        /// Transitions.
        const TRANSITIONS = 1 << 4;
        /// Filters.
        const FILTERS = 1 << 5;
        /// Stream, recording, replay buffer, virtual camera.
        const OUTPUTS = 1 << 6;
        /// Items of scenes.
        const SCENE_ITEMS = 1 << 7;
        /// Media that plays.
        const MEDIA_INPUTS = 1 << 8;
        /// Plugins and scripts.
        const VENDORS = 1 << 9;
        /// The window of OBS.
        const UI = 1 << 10;
        /// Canvases; since 5.7.0.
        const CANVASES = 1 << 11;
        /// Levels of the inputs, 20 times a second.
        const INPUT_VOLUME_METERS = 1 << 16;
        /// Inputs that go on air, or off.
        const INPUT_ACTIVE_STATE_CHANGED = 1 << 17;
        /// Inputs that are shown, or not.
        const INPUT_SHOW_STATE_CHANGED = 1 << 18;
        /// Items that are moved.
        const SCENE_ITEM_TRANSFORM_CHANGED = 1 << 19;
        /// Everything but what comes in masses.
        const ALL = 4095;
        // Servers of later versions have more.
        const _ = !0;
    }
}

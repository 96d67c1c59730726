//! Enumerations that are text on the wire. What is not listed is kept.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use super::text::text_enum;

text_enum! {
    /// How an item is blended with what is below it.
    BlendMode "OBS_BLEND_" {
        Normal = "OBS_BLEND_NORMAL",
        Additive = "OBS_BLEND_ADDITIVE",
        Subtract = "OBS_BLEND_SUBTRACT",
        Screen = "OBS_BLEND_SCREEN",
        Multiply = "OBS_BLEND_MULTIPLY",
        Lighten = "OBS_BLEND_LIGHTEN",
        Darken = "OBS_BLEND_DARKEN",
    }
}

text_enum! {
    /// How an item fits its bounds.
    BoundsType "OBS_BOUNDS_" {
        None = "OBS_BOUNDS_NONE",
        Stretch = "OBS_BOUNDS_STRETCH",
        ScaleInner = "OBS_BOUNDS_SCALE_INNER",
        ScaleOuter = "OBS_BOUNDS_SCALE_OUTER",
        ScaleToWidth = "OBS_BOUNDS_SCALE_TO_WIDTH",
        ScaleToHeight = "OBS_BOUNDS_SCALE_TO_HEIGHT",
        MaxOnly = "OBS_BOUNDS_MAX_ONLY",
    }
}

text_enum! {
    /// Which field comes first.
    DeinterlaceFieldOrder "OBS_DEINTERLACE_FIELD_ORDER_" {
        Top = "OBS_DEINTERLACE_FIELD_ORDER_TOP",
        Bottom = "OBS_DEINTERLACE_FIELD_ORDER_BOTTOM",
    }
}

text_enum! {
    /// How an input is deinterlaced.
    DeinterlaceMode "OBS_DEINTERLACE_MODE_" {
        Disable = "OBS_DEINTERLACE_MODE_DISABLE",
        Discard = "OBS_DEINTERLACE_MODE_DISCARD",
        Retro = "OBS_DEINTERLACE_MODE_RETRO",
        Blend = "OBS_DEINTERLACE_MODE_BLEND",
        Blend2x = "OBS_DEINTERLACE_MODE_BLEND_2X",
        Linear = "OBS_DEINTERLACE_MODE_LINEAR",
        Linear2x = "OBS_DEINTERLACE_MODE_LINEAR_2X",
        Yadif = "OBS_DEINTERLACE_MODE_YADIF",
        Yadif2x = "OBS_DEINTERLACE_MODE_YADIF_2X",
    }
}

text_enum! {
    /// What is done to media.
    MediaAction "OBS_WEBSOCKET_MEDIA_INPUT_ACTION_" {
        None = "OBS_WEBSOCKET_MEDIA_INPUT_ACTION_NONE",
        Play = "OBS_WEBSOCKET_MEDIA_INPUT_ACTION_PLAY",
        Pause = "OBS_WEBSOCKET_MEDIA_INPUT_ACTION_PAUSE",
        Stop = "OBS_WEBSOCKET_MEDIA_INPUT_ACTION_STOP",
        Restart = "OBS_WEBSOCKET_MEDIA_INPUT_ACTION_RESTART",
        Next = "OBS_WEBSOCKET_MEDIA_INPUT_ACTION_NEXT",
        Previous = "OBS_WEBSOCKET_MEDIA_INPUT_ACTION_PREVIOUS",
    }
}

text_enum! {
    /// What media is doing.
    MediaState "OBS_MEDIA_STATE_" {
        None = "OBS_MEDIA_STATE_NONE",
        Playing = "OBS_MEDIA_STATE_PLAYING",
        Opening = "OBS_MEDIA_STATE_OPENING",
        Buffering = "OBS_MEDIA_STATE_BUFFERING",
        Paused = "OBS_MEDIA_STATE_PAUSED",
        Stopped = "OBS_MEDIA_STATE_STOPPED",
        Ended = "OBS_MEDIA_STATE_ENDED",
        Error = "OBS_MEDIA_STATE_ERROR",
    }
}

text_enum! {
    /// How an input is monitored.
    MonitoringType "OBS_MONITORING_TYPE_" {
        None = "OBS_MONITORING_TYPE_NONE",
        MonitorOnly = "OBS_MONITORING_TYPE_MONITOR_ONLY",
        MonitorAndOutput = "OBS_MONITORING_TYPE_MONITOR_AND_OUTPUT",
    }
}

text_enum! {
    /// What an output is doing.
    OutputState "OBS_WEBSOCKET_OUTPUT_" {
        Unknown = "OBS_WEBSOCKET_OUTPUT_UNKNOWN",
        Starting = "OBS_WEBSOCKET_OUTPUT_STARTING",
        Started = "OBS_WEBSOCKET_OUTPUT_STARTED",
        Stopping = "OBS_WEBSOCKET_OUTPUT_STOPPING",
        Stopped = "OBS_WEBSOCKET_OUTPUT_STOPPED",
        Reconnecting = "OBS_WEBSOCKET_OUTPUT_RECONNECTING",
        Reconnected = "OBS_WEBSOCKET_OUTPUT_RECONNECTED",
        Paused = "OBS_WEBSOCKET_OUTPUT_PAUSED",
        Resumed = "OBS_WEBSOCKET_OUTPUT_RESUMED",
    }
}

text_enum! {
    /// Where persistent data is kept.
    Realm "OBS_WEBSOCKET_DATA_REALM_" {
        Global = "OBS_WEBSOCKET_DATA_REALM_GLOBAL",
        Profile = "OBS_WEBSOCKET_DATA_REALM_PROFILE",
    }
}

text_enum! {
    /// What a source is.
    SourceType "OBS_SOURCE_TYPE_" {
        Input = "OBS_SOURCE_TYPE_INPUT",
        Filter = "OBS_SOURCE_TYPE_FILTER",
        Transition = "OBS_SOURCE_TYPE_TRANSITION",
        Scene = "OBS_SOURCE_TYPE_SCENE",
    }
}

text_enum! {
    /// What a projector shows.
    VideoMixType "OBS_WEBSOCKET_VIDEO_MIX_TYPE_" {
        Preview = "OBS_WEBSOCKET_VIDEO_MIX_TYPE_PREVIEW",
        Program = "OBS_WEBSOCKET_VIDEO_MIX_TYPE_PROGRAM",
        Multiview = "OBS_WEBSOCKET_VIDEO_MIX_TYPE_MULTIVIEW",
    }
}

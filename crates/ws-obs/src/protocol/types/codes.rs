//! Enumerations that are numbers on the wire. Any number is kept.
// Generated from schema/protocol.toml by tests/schema: change that instead.

use super::code::code;

code! {
    /// Why the server closed the connection.
    CloseCode(u16) {
        /// 0: nothing is closed; never on the wire.
        DONT_CLOSE = 0,
        /// 4000: no reason is known.
        UNKNOWN_REASON = 4000,
        /// 4002: a message could not be decoded, or came in a frame of the wrong type.
        MESSAGE_DECODE_ERROR = 4002,
        /// 4003: a field was missing.
        MISSING_DATA_FIELD = 4003,
        /// 4004: a field had the wrong type.
        INVALID_DATA_FIELD_TYPE = 4004,
        /// 4005: a field had a value that it must not have.
        INVALID_DATA_FIELD_VALUE = 4005,
        /// 4006: the operation is not known.
        UNKNOWN_OP_CODE = 4006,
        /// 4007: something was sent before the client was identified.
        NOT_IDENTIFIED = 4007,
        /// 4008: the client identified itself again.
        ALREADY_IDENTIFIED = 4008,
        /// 4009: the password is missing or wrong.
        AUTHENTICATION_FAILED = 4009,
        /// 4010: the server does not speak this version of the protocol.
        UNSUPPORTED_RPC_VERSION = 4010,
        /// 4011: somebody removed this session in OBS.
        SESSION_INVALIDATED = 4011,
        /// 4012: the server cannot do what was asked for on this machine.
        UNSUPPORTED_FEATURE = 4012,
    }
}

code! {
    /// How the server runs a batch.
    ExecutionType(i8) {
        /// -1: not at all; the server takes it for an error.
        NONE = -1,
        /// 0: one request after the other.
        SERIAL_REALTIME = 0,
        /// 1: one after the other, between two frames of the video.
        SERIAL_FRAME = 1,
        /// 2: all at once.
        PARALLEL = 2,
    }
}

code! {
    /// What a message is.
    OpCode(u8) {
        /// 0: the server greets.
        HELLO = 0,
        /// 1: the client says who it is.
        IDENTIFY = 1,
        /// 2: the server took that.
        IDENTIFIED = 2,
        /// 3: the client changes what it subscribes to.
        REIDENTIFY = 3,
        /// 5: something happened.
        EVENT = 5,
        /// 6: the client wants something.
        REQUEST = 6,
        /// 7: the server answers.
        REQUEST_RESPONSE = 7,
        /// 8: the client wants several things.
        REQUEST_BATCH = 8,
        /// 9: the server answers them.
        REQUEST_BATCH_RESPONSE = 9,
    }
}

code! {
    /// What became of a request.
    RequestStatus(u16) {
        /// 0: not known; never sent.
        UNKNOWN = 0,
        /// 10: nothing is wrong; used within the server.
        NO_ERROR = 10,
        /// 100: the request was done.
        SUCCESS = 100,
        /// 203: the request has no type.
        MISSING_REQUEST_TYPE = 203,
        /// 204: the server has no such request.
        UNKNOWN_REQUEST_TYPE = 204,
        /// 205: something went wrong; the comment says what.
        GENERIC_ERROR = 205,
        /// 206: the request cannot be in a batch of this kind.
        UNSUPPORTED_REQUEST_BATCH_EXECUTION_TYPE = 206,
        /// 207: OBS is starting, ending, or switching the scene collection. Requests are sent again until their deadline.
        NOT_READY = 207,
        /// 300: a field is missing.
        MISSING_REQUEST_FIELD = 300,
        /// 301: all fields are missing.
        MISSING_REQUEST_DATA = 301,
        /// 400: a field is wrong; the comment says why.
        INVALID_REQUEST_FIELD = 400,
        /// 401: a field has the wrong type.
        INVALID_REQUEST_FIELD_TYPE = 401,
        /// 402: a number is out of range.
        REQUEST_FIELD_OUT_OF_RANGE = 402,
        /// 403: a text or a list is empty.
        REQUEST_FIELD_EMPTY = 403,
        /// 404: fields are there that exclude each other.
        TOO_MANY_REQUEST_FIELDS = 404,
        /// 500: the output runs.
        OUTPUT_RUNNING = 500,
        /// 501: the output does not run.
        OUTPUT_NOT_RUNNING = 501,
        /// 502: the output is paused.
        OUTPUT_PAUSED = 502,
        /// 503: the output is not paused.
        OUTPUT_NOT_PAUSED = 503,
        /// 504: the output is turned off in the settings of OBS.
        OUTPUT_DISABLED = 504,
        /// 505: studio mode is on.
        STUDIO_MODE_ACTIVE = 505,
        /// 506: studio mode is off.
        STUDIO_MODE_NOT_ACTIVE = 506,
        /// 600: there is no such thing.
        RESOURCE_NOT_FOUND = 600,
        /// 601: there is one already.
        RESOURCE_ALREADY_EXISTS = 601,
        /// 602: the thing is of another type.
        INVALID_RESOURCE_TYPE = 602,
        /// 603: there are too few of them.
        NOT_ENOUGH_RESOURCES = 603,
        /// 604: the thing is in a state that does not allow it.
        INVALID_RESOURCE_STATE = 604,
        /// 605: there is no such kind of input.
        INVALID_INPUT_KIND = 605,
        /// 606: the thing has no settings.
        RESOURCE_NOT_CONFIGURABLE = 606,
        /// 607: there is no such kind of filter.
        INVALID_FILTER_KIND = 607,
        /// 700: the thing could not be made.
        RESOURCE_CREATION_FAILED = 700,
        /// 701: the thing could not do it.
        RESOURCE_ACTION_FAILED = 701,
        /// 702: the request could not be done; the comment says why.
        REQUEST_PROCESSING_FAILED = 702,
        /// 703: it cannot be done now.
        CANNOT_ACT = 703,
    }
}

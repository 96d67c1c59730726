//! Why something failed.

use std::{error, fmt, sync::Arc};

use ws_client::{DialError, reconnect::Cause};

use crate::{
    message::BoxError,
    types::{CloseCode, RequestStatus},
};

/// Why a request failed, a connection ended, or none came about.
///
/// [`kind`](Self::kind) says what failed; what stood behind it is the [`source`](error::Error::source). Cheap to clone, because one
/// lost connection may fail many requests. The wording of `Display` is for people and not stable.
///
/// ```no_run
/// # async fn run(client: ws_obs::Client) -> Result<(), ws_obs::Error> {
/// use ws_obs::{requests::SetCurrentProgramScene, types::RequestStatus};
///
/// match client.call(SetCurrentProgramScene::new("Live")).await {
///     Err(error) if error.status() == Some(RequestStatus::RESOURCE_NOT_FOUND) => eprintln!("there is no such scene"),
///     other => other?,
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Error(Arc<ErrorImpl>);

struct ErrorImpl {
    kind: ErrorKind,
    /// The name of the request.
    request: Option<Box<str>>,
    /// What the server said.
    comment: Option<Box<str>>,
    source: Option<Arc<dyn error::Error + Send + Sync>>,
}

/// What failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The server did not take the password (4009).
    AuthenticationFailed,
    /// The client was closed, by this side.
    ClientClosed,
    /// The server closed the connection, with this code. A request that was on its way may have been done.
    Closed(CloseCode),
    /// The connection was lost. A request that was on its way may have been done.
    ConnectionLost,
    /// No connection could be opened; the source is a [`DialError`].
    Dial,
    /// The request cannot be written: its data is no object, or fails to serialize.
    InvalidRequest,
    /// The answer is not what its type says. The request was done.
    InvalidResponse,
    /// There is no connection now; the source says why the last one ended. The request was not sent.
    NotConnected,
    /// The batch was halted before it came to this request.
    NotExecuted,
    /// The server wants a password, and none is set.
    PasswordRequired,
    /// The server does not speak obs-websocket 5, or went wrong in it.
    Protocol,
    /// Too many bytes wait to be sent. The request was not sent.
    QueueFull,
    /// The request failed, with this status. [`Error::comment`] may say more.
    Request(RequestStatus),
    /// The function of [`Obs::on_connect`](crate::Obs::on_connect) failed, which is the source, or took too long.
    Setup,
    /// The deadline passed. The request may have been done, or may be yet.
    TimedOut,
    /// The server speaks no version of the protocol that this client does (4010).
    UnsupportedRpcVersion,
    /// This cannot be asked for as it is.
    Usage(UsageError),
}

/// What cannot be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UsageError {
    /// The ticket is not one of this batch.
    ForeignTicket,
    /// There is no tokio runtime here to run the client on.
    NoRuntime,
    /// A request of a batch takes a variable that has no value yet.
    UnknownVariable,
    /// A parallel batch has no variables.
    VariablesInParallel,
}

impl Error {
    /// What failed.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The status of a request that the server did not do.
    #[must_use]
    pub fn status(&self) -> Option<RequestStatus> {
        match self.kind() {
            ErrorKind::Request(status) => Some(status),
            _ => None,
        }
    }

    /// The close code of the server.
    #[must_use]
    pub fn close_code(&self) -> Option<CloseCode> {
        match self.kind() {
            ErrorKind::AuthenticationFailed => Some(CloseCode::AUTHENTICATION_FAILED),
            ErrorKind::Closed(code) => Some(code),
            _ => None,
        }
    }

    /// What the server said about it: the comment of a request's status, or the reason in a close frame.
    #[must_use]
    pub fn comment(&self) -> Option<&str> {
        self.0.comment.as_deref()
    }

    /// The name of the request that failed.
    #[must_use]
    pub fn request_type(&self) -> Option<&str> {
        self.0.request.as_deref()
    }

    /// Whether the deadline passed.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.kind() == ErrorKind::TimedOut
    }

    /// Whether it is the connection that failed, and not the request.
    #[must_use]
    pub fn is_connection(&self) -> bool {
        !matches!(
            self.kind(),
            ErrorKind::InvalidRequest
                | ErrorKind::InvalidResponse
                | ErrorKind::NotExecuted
                | ErrorKind::QueueFull
                | ErrorKind::Request(_)
                | ErrorKind::TimedOut
                | ErrorKind::Usage(_)
        )
    }

    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self(Arc::new(ErrorImpl { kind, request: None, comment: None, source: None }))
    }

    pub(crate) fn with_source(self, source: impl Into<BoxError>) -> Self {
        self.change(|error| error.source = Some(Arc::from(source.into())))
    }

    pub(crate) fn with_comment(self, comment: Option<Box<str>>) -> Self {
        self.change(|error| error.comment = comment.filter(|comment| !comment.is_empty()))
    }

    /// The same error, of a request.
    pub(crate) fn of(self, request: &str) -> Self {
        self.change(|error| error.request = Some(request.into()))
    }

    fn change(self, change: impl FnOnce(&mut ErrorImpl)) -> Self {
        let mut inner = Arc::try_unwrap(self.0).unwrap_or_else(|shared| ErrorImpl {
            kind: shared.kind,
            request: shared.request.clone(),
            comment: shared.comment.clone(),
            source: shared.source.clone(),
        });
        change(&mut inner);
        Self(Arc::new(inner))
    }

    /// Why there is no connection now.
    pub(crate) fn not_connected(last: Option<&Self>) -> Self {
        let error = Self::new(ErrorKind::NotConnected);
        match last {
            Some(last) => error.with_source(last.clone()),
            None => error,
        }
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self::new(kind)
    }
}

impl From<UsageError> for Error {
    fn from(error: UsageError) -> Self {
        Self::new(ErrorKind::Usage(error))
    }
}

impl From<DialError> for Error {
    fn from(error: DialError) -> Self {
        Self::new(ErrorKind::Dial).with_source(error)
    }
}

/// An error of the connection.
impl From<ws_client::Error> for Error {
    fn from(error: ws_client::Error) -> Self {
        match error.kind() {
            ws_client::ErrorKind::Closed(frame) => closed(frame.as_ref()),
            _ => Self::new(ErrorKind::ConnectionLost).with_source(error),
        }
    }
}

/// Why a connection or an attempt ended.
impl From<Cause> for Error {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::Application(error) => match error.downcast::<Self>() {
                Ok(error) => *error,
                Err(error) => Self::new(ErrorKind::Setup).with_source(error),
            },
            Cause::CloseRequested => Self::new(ErrorKind::ClientClosed),
            Cause::Closed(frame) => closed(frame.as_ref()),
            Cause::Dial(error) => error.into(),
            Cause::Failed(error) => error.into(),
            Cause::SetupTimedOut => Self::new(ErrorKind::TimedOut),
            other => Self::new(ErrorKind::ConnectionLost).with_source(other),
        }
    }
}

/// What a close frame of the server means.
fn closed(frame: Option<&ws_client::CloseFrame>) -> Error {
    let code = frame.map_or(ws_client::CloseCode::NO_STATUS_RECEIVED, |frame| frame.code);
    let kind = match CloseCode::new(code.as_u16()) {
        CloseCode::AUTHENTICATION_FAILED => ErrorKind::AuthenticationFailed,
        CloseCode::UNSUPPORTED_RPC_VERSION => ErrorKind::UnsupportedRpcVersion,
        code => ErrorKind::Closed(code),
    };
    Error::new(kind).with_comment(frame.map(|frame| frame.reason.as_str().into()))
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(request) = &self.0.request {
            write!(f, "{request}: ")?;
        }
        match self.kind() {
            ErrorKind::AuthenticationFailed => f.write_str("the server did not take the password")?,
            ErrorKind::ClientClosed => f.write_str("the client is closed")?,
            ErrorKind::Closed(code) => write!(f, "the server closed the connection with {code}")?,
            ErrorKind::ConnectionLost => f.write_str("the connection was lost")?,
            ErrorKind::Dial => f.write_str("no connection could be opened")?,
            ErrorKind::InvalidRequest => f.write_str("the request cannot be written")?,
            ErrorKind::InvalidResponse => f.write_str("the answer is not as expected")?,
            ErrorKind::NotConnected => f.write_str("there is no connection")?,
            ErrorKind::NotExecuted => f.write_str("the batch was halted before")?,
            ErrorKind::PasswordRequired => f.write_str("the server wants a password, and none is set")?,
            ErrorKind::Protocol => f.write_str("the server does not speak obs-websocket 5")?,
            ErrorKind::QueueFull => f.write_str("too many bytes wait to be sent")?,
            ErrorKind::Request(status) => write!(f, "the server answered {status}")?,
            ErrorKind::Setup => f.write_str("setting up the connection failed")?,
            ErrorKind::TimedOut => f.write_str("the deadline passed")?,
            ErrorKind::UnsupportedRpcVersion => {
                f.write_str("the server speaks another version of the protocol")?
            }
            ErrorKind::Usage(UsageError::ForeignTicket) => f.write_str("the ticket is of another batch")?,
            ErrorKind::Usage(UsageError::NoRuntime) => f.write_str("there is no tokio runtime here")?,
            ErrorKind::Usage(UsageError::UnknownVariable) => {
                f.write_str("the batch takes a variable that has no value yet")?;
            }
            ErrorKind::Usage(UsageError::VariablesInParallel) => {
                f.write_str("a parallel batch has no variables")?;
            }
        }
        match &self.0.comment {
            // The server's words: escaped, so that they cannot write control characters into a log.
            Some(comment) => write!(f, ": {comment:?}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Error");
        debug.field("kind", &self.kind());
        if let Some(request) = &self.0.request {
            debug.field("request", request);
        }
        if let Some(comment) = &self.0.comment {
            debug.field("comment", comment);
        }
        if let Some(source) = &self.0.source {
            debug.field("source", source);
        }
        debug.finish()
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_is_one_word_and_can_cross_threads() {
        fn check<T: Send + Sync + 'static>() {}
        check::<Error>();
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    #[test]
    fn words_of_the_server_are_escaped() {
        let error = Error::new(ErrorKind::Request(RequestStatus::GENERIC_ERROR))
            .of("GetStats")
            .with_comment(Some("\x1b[31m".into()));
        assert_eq!(error.to_string(), "GetStats: the server answered 205 GENERIC_ERROR: \"\\u{1b}[31m\"");
    }
}

//! The one error type of the library.

use std::fmt;

/// What a fallible call of this library returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// How many bytes of one subject an error keeps. Names are far shorter.
const LONGEST_SUBJECT: usize = 400;
/// How many bytes of a cause an error keeps: room for the longest path.
const LONGEST_CAUSE: usize = 4 << 10;

/// The first `limit` bytes of `text`, and how many there were.
pub(crate) fn cut(mut text: String, limit: usize) -> String {
    let length = text.len();
    if length <= limit {
        return text;
    }
    let end = (0..=limit).rev().find(|end| text.is_char_boundary(*end));
    text.truncate(end.unwrap_or(0));
    text.shrink_to_fit();
    text + &format!("… ({length} bytes)")
}

/// The category of an [`Error`], for callers that branch on it.
///
/// The names follow libnetwork's error categories (seed `004`, `ErrNoNetwork::NotFound`,
/// `ErrActiveRegistration::Forbidden` …) with what a kernel adds to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The object, its name or its address is already there.
    AlreadyExists,
    /// An argument cannot be right, whatever the state of the host.
    BadRequest,
    /// The object is in use, or kept changing while it was read.
    Busy,
    /// The request is valid but not allowed on this object.
    Forbidden,
    /// The object is not there (any more).
    NotFound,
    /// The driver does not offer the operation.
    NotImplemented,
    /// The process lacks a privilege that the operation needs, or the filesystem is read-only.
    PermissionDenied,
    /// A limit was reached: ports of a bridge, descriptors, memory, the room on a disk.
    ResourceExhausted,
    /// The kernel refused for a reason that has no category of its own; see [`Error::errno`].
    System,
    /// This kernel, or this build of it, does not have the feature.
    Unsupported,
}

impl ErrorKind {
    fn of_errno(errno: i32) -> Self {
        match errno {
            libc::EEXIST | libc::EADDRINUSE => Self::AlreadyExists,
            libc::EINVAL | libc::ERANGE | libc::ENAMETOOLONG => Self::BadRequest,
            libc::EBUSY | libc::EAGAIN => Self::Busy,
            libc::ENOENT | libc::ENODEV | libc::ENXIO | libc::ESRCH | libc::EADDRNOTAVAIL => Self::NotFound,
            libc::EPERM | libc::EACCES | libc::EROFS => Self::PermissionDenied,
            libc::EMFILE
            | libc::ENFILE
            | libc::ENOMEM
            | libc::ENOBUFS
            | libc::ENOSPC
            | libc::EDQUOT
            | libc::EXFULL => Self::ResourceExhausted,
            libc::EOPNOTSUPP | libc::ENOSYS | libc::EAFNOSUPPORT | libc::EPROTONOSUPPORT => Self::Unsupported,
            _ => Self::System,
        }
    }
}

/// What went wrong: the operation, the object, the cause, and what the way back could not undo.
///
/// Its text reads `operation object: cause`, with the kernel's own words (its extended
/// acknowledgement) where there are any.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    operation: String,
    subject: String,
    errno: Option<i32>,
    kernel: Option<String>,
    cause: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
    rollback: Vec<Error>,
}

impl Error {
    /// An error of `kind` of `operation` (a verb phrase) on `subject` (the object's name), of which the first
    /// 400 bytes are kept: it may have come from anybody.
    pub fn new(kind: ErrorKind, operation: impl Into<String>, subject: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            operation: operation.into(),
            subject: cut(subject.into(), LONGEST_SUBJECT),
            errno: None,
            kernel: None,
            cause: None,
            source: None,
            rollback: Vec::new(),
        }))
    }

    /// An argument that cannot be right, with the rule that it breaks.
    pub fn bad_request(
        operation: impl Into<String>,
        subject: impl Into<String>,
        cause: impl Into<String>,
    ) -> Self {
        Self::new(ErrorKind::BadRequest, operation, subject).with_cause(cause)
    }

    /// What a system call or the kernel's acknowledgement said; the kind follows from `errno`.
    pub fn from_errno(operation: impl Into<String>, subject: impl Into<String>, errno: i32) -> Self {
        let mut error = Self::new(ErrorKind::of_errno(errno), operation, subject);
        error.0.errno = Some(errno);
        error
    }

    pub(crate) fn from_io(
        operation: impl Into<String>,
        subject: impl Into<String>,
        source: std::io::Error,
    ) -> Self {
        let mut error = match source.raw_os_error() {
            Some(errno) => Self::from_errno(operation, subject, errno),
            None => {
                // A NUL in a path never reaches the kernel.
                let kind = match source.kind() {
                    std::io::ErrorKind::InvalidInput => ErrorKind::BadRequest,
                    _ => ErrorKind::System,
                };
                Self::new(kind, operation, subject).with_cause(source.to_string())
            }
        };
        error.0.source = Some(Box::new(source));
        error
    }

    /// The same error with the likely cause, or what to do about it, in words, of which the first 4 KiB are kept.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<String>) -> Self {
        self.0.cause = Some(cut(cause.into(), LONGEST_CAUSE));
        self
    }

    /// [`Error::with_cause`] of a text whose length its maker has bounded.
    #[must_use]
    pub(crate) fn with_long_cause(mut self, cause: String) -> Self {
        self.0.cause = Some(cause);
        self
    }

    /// The same error with what it comes from, a callback's own error, which [`std::error::Error::source`] gives;
    /// its text stays.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The same error with the system's error number; the kind stays.
    #[must_use]
    pub fn with_errno(mut self, errno: i32) -> Self {
        self.0.errno = Some(errno);
        self
    }

    /// The same error in another category, where more is known than its number tells.
    #[must_use]
    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    #[must_use]
    pub(crate) fn with_kernel_message(mut self, message: Option<String>) -> Self {
        self.0.kernel = message;
        self
    }

    #[must_use]
    pub(crate) fn with_rollback(mut self, failures: Vec<Error>) -> Self {
        self.0.rollback.extend(failures);
        self
    }

    /// The first of several failures, with the others as what could not be undone.
    pub(crate) fn first_of(mut failures: Vec<Error>) -> Result<()> {
        match failures.is_empty() {
            true => Ok(()),
            false => Err(failures.remove(0).with_rollback(failures)),
        }
    }

    /// The same error as part of a larger operation: `operation subject: ` goes in front.
    #[must_use]
    pub(crate) fn within(mut self, operation: &str, subject: impl fmt::Display) -> Self {
        let subject = cut(subject.to_string(), LONGEST_SUBJECT);
        self.0.subject = format!("{subject}: {} {}", self.0.operation, self.0.subject);
        self.0.operation = operation.to_owned();
        self
    }

    /// The category.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What was attempted, a verb phrase: `create link`.
    pub fn operation(&self) -> &str {
        &self.0.operation
    }

    /// The object that it was attempted on.
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// The system's error number, where there is one.
    pub fn errno(&self) -> Option<i32> {
        self.0.errno
    }

    /// The kernel's own words from its extended acknowledgement (`NLMSGERR_ATTR_MSG`).
    pub fn kernel_message(&self) -> Option<&str> {
        self.0.kernel.as_deref()
    }

    /// What could not be undone on the way back; empty when the state is as it was before.
    pub fn rollback_failures(&self) -> &[Error] {
        &self.0.rollback
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0.operation, self.0.subject)?;
        if let Some(errno) = self.0.errno {
            write!(f, ": {}", std::io::Error::from_raw_os_error(errno))?;
        }
        if let Some(kernel) = &self.0.kernel {
            write!(f, ": the kernel says: {kernel}")?;
        }
        if let Some(cause) = &self.0.cause {
            write!(f, ": {cause}")?;
        }
        for failure in &self.0.rollback {
            write!(f, "; could not undo: {failure}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

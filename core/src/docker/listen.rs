//! The socket: made, recognised and removed.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use socket2::{Domain, SockAddr, Type};

use crate::error::{Error, ErrorKind, Result};
use crate::sys::{lock_exclusive, LockedFile};

/// How long another server may take to make its socket.
const PATIENCE: Duration = Duration::from_secs(5);

/// How the directories begin in which sockets are bound; a process id follows.
const PRIVATE: &str = ".";

/// A socket's file, and which one it is.
#[derive(Debug)]
pub(super) struct Socket {
    path: PathBuf,
    id: (u64, u64),
}

impl Socket {
    /// A socket that listens at `path`, for its owner alone.
    ///
    /// It is bound in a directory of its own first, where nobody else gets at it before its mode is right.
    pub(super) fn bind(path: &Path) -> Result<(Self, UnixListener)> {
        let failed = |error| Error::from_io("make socket", path.display().to_string(), error);
        let (Some(directory), Some(_)) = (path.parent(), path.file_name()) else {
            let cause = "it is not the path of a file";
            return Err(Error::bad_request("make socket", path.display().to_string(), cause));
        };
        if !path.is_absolute() {
            let cause = "it is not an absolute path";
            return Err(Error::bad_request("make socket", path.display().to_string(), cause));
        }
        // /run/docker is Docker's own as well, which makes it so where it is the first, and takes it as it is else.
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
        // Two servers that find the same stale socket must not each remove what the other has made.
        let file = File::open(directory).map_err(failed)?;
        if !lock_exclusive(file.as_fd(), PATIENCE).map_err(failed)? {
            let error = Error::new(ErrorKind::Busy, "make socket", path.display().to_string());
            return Err(error.with_cause("another process has its directory locked"));
        }
        let _lock = LockedFile::new(file);
        sweep(directory);
        let private = directory.join(format!("{PRIVATE}{}", std::process::id()));
        DirBuilder::new().mode(0o700).create(&private).map_err(failed)?;
        let bound = Self::bind_in(&private, path);
        let _ = fs::remove_dir_all(&private);
        bound
    }

    fn bind_in(private: &Path, path: &Path) -> Result<(Self, UnixListener)> {
        let failed = |error| Error::from_io("make socket", path.display().to_string(), error);
        let own = private.join("s");
        let listener = UnixListener::bind(&own).map_err(failed)?;
        fs::set_permissions(&own, fs::Permissions::from_mode(0o600)).map_err(failed)?;
        let metadata = fs::symlink_metadata(&own).map_err(failed)?;
        let id = (metadata.dev(), metadata.ino());
        // A link never replaces what is there.
        while let Err(error) = fs::hard_link(&own, path) {
            if error.kind() != io::ErrorKind::AlreadyExists {
                return Err(failed(error));
            }
            remove_stale(path)?;
        }
        Ok((Self { path: path.to_owned(), id }, listener))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the file, unless it is another by now.
    pub(super) fn remove(self) -> Result<()> {
        match fs::symlink_metadata(&self.path) {
            Ok(metadata) if (metadata.dev(), metadata.ino()) == self.id => remove(&self.path),
            _ => Ok(()),
        }
    }
}

/// Removes what servers left that were killed as they made their socket; nobody else does so at this moment.
fn sweep(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(PRIVATE));
        if pid.is_some_and(|pid| !pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit())) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Removes a socket that nobody listens on.
fn remove_stale(path: &Path) -> Result<()> {
    let refuse = |cause: &str| {
        let error = Error::new(ErrorKind::AlreadyExists, "make socket", path.display().to_string());
        Err(error.with_cause(cause))
    };
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::from_io("look at", path.display().to_string(), error)),
    };
    if !metadata.file_type().is_socket() {
        return refuse("what is there is no socket");
    }
    match connect(path) {
        Ok(()) => refuse("another server listens there"),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            refuse("another server listens there, and is busy")
        }
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => remove(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => refuse(&format!("whether a server listens there cannot be told: {error}")),
    }
}

/// Waits for nobody: who has stopped and has many waiting is alive.
fn connect(path: &Path) -> io::Result<()> {
    let socket = socket2::Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(path)?)
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::from_io("remove", path.display().to_string(), error))
        }
        _ => Ok(()),
    }
}

//! Whether interfaces have IPv6: those that come to a namespace, and those that are there.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use super::raw;
use crate::error::{Error, ErrorKind, Result};

const PATH: &str = "/proc/sys/net/ipv6/conf/default/disable_ipv6";

/// `net.ipv6.conf.default.disable_ipv6` of one namespace, held open.
///
/// The kernel has no netlink message that turns IPv6 off. The file belongs to the namespace in which
/// it was opened, so that it can be written from any thread without entering it, and its path,
/// whose lookup takes longer the more namespaces there are, is looked up once.
pub(crate) struct Ipv6Default {
    access: Access,
    on: bool,
}

enum Access {
    /// This kernel has no IPv6, or it is off for good.
    Absent,
    /// `/proc/sys` cannot be written, as in an unprivileged container.
    ReadOnly,
    Writable(File),
}

impl Ipv6Default {
    /// Opens the setting of the calling thread's namespace.
    pub(crate) fn open() -> Result<Self> {
        let failed = |error| Error::from_io("open", PATH, error);
        let file = match OpenOptions::new().read(true).write(true).open(PATH) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { access: Access::Absent, on: false })
            }
            Err(error) if matches!(error.raw_os_error(), Some(libc::EROFS | libc::EACCES | libc::EPERM)) => {
                let on = fs::read(PATH).map_err(failed)?.starts_with(b"0");
                return Ok(Self { access: Access::ReadOnly, on });
            }
            Err(error) => return Err(failed(error)),
        };
        let mut value = [0];
        file.read_at(&mut value, 0).map_err(failed)?;
        Ok(Self { access: Access::Writable(file), on: value == *b"0" })
    }

    /// The setting of a namespace that was just made, where the kernel's default is on.
    pub(crate) fn open_fresh_and_turn_off() -> Result<Self> {
        let opened = OpenOptions::new().read(true).write(true).open(PATH);
        let mut setting = match opened {
            Ok(file) => Self { access: Access::Writable(file), on: true },
            Err(_) => return Self::open(),
        };
        setting.set(false)?;
        Ok(setting)
    }

    /// Looks again: another process that has the sandbox open may have changed it.
    pub(crate) fn refresh(&mut self) -> Result<()> {
        if let Access::Writable(file) = &self.access {
            let mut value = [0];
            file.read_at(&mut value, 0).map_err(|error| Error::from_io("read", PATH, error))?;
            self.on = value == *b"0";
        }
        Ok(())
    }

    /// Whether interfaces to come have IPv6 now.
    pub(crate) fn is_on(&self) -> bool {
        self.on
    }

    /// Whether [`Ipv6Default::set`] can turn it on and off.
    pub(crate) fn can_change(&self) -> bool {
        matches!(self.access, Access::Writable(_))
    }

    pub(crate) fn set(&mut self, on: bool) -> Result<()> {
        if on == self.on {
            return Ok(());
        }
        let operation = if on { "turn on IPv6 by" } else { "turn off IPv6 by" };
        match &self.access {
            Access::Writable(file) => {
                file.write_at(if on { b"0" } else { b"1" }, 0)
                    .map_err(|error| Error::from_io(operation, PATH, error))?;
                self.on = on;
                Ok(())
            }
            Access::Absent => {
                Err(Error::new(ErrorKind::Unsupported, operation, PATH).with_cause("this kernel has no IPv6"))
            }
            Access::ReadOnly => {
                Err(Error::new(ErrorKind::PermissionDenied, operation, PATH)
                    .with_cause("/proc/sys is read-only"))
            }
        }
    }
}

const LINKS: &str = "/proc/sys/net/ipv6/conf";

/// `net.ipv6.conf` of one namespace, held open as a directory, for the same two reasons.
pub(crate) struct Ipv6Links(File);

impl Ipv6Links {
    /// Opens the directory of the calling thread's namespace; `None` where nothing in it can be written.
    pub(crate) fn open() -> Option<Self> {
        OpenOptions::new().write(true).open(PATH).ok()?;
        let flags = libc::O_PATH | libc::O_DIRECTORY;
        OpenOptions::new().read(true).custom_flags(flags).open(LINKS).ok().map(Self)
    }

    /// Turns IPv6 off on the link of that name.
    pub(crate) fn turn_off(&self, link: &str) -> Result<()> {
        let done = self.write(link, "disable_ipv6", b"1");
        done.map_err(|error| Error::from_io("turn off IPv6 on", link, error))
    }

    /// Turns `force_forwarding` on for the link of that name; false where the kernel, before 6.17, does
    /// not have it.
    pub(crate) fn force_forwarding(&self, link: &str) -> Result<bool> {
        match self.write(link, "force_forwarding", b"1") {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Error::from_io("force IPv6 forwarding on", link, error)),
        }
    }

    /// Turns `accept_ra` off for the link of that name; one that has no IPv6 listens to nobody anyway.
    pub(crate) fn ignore_routers(&self, link: &str) -> Result<()> {
        match self.write(link, "accept_ra", b"0") {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done.map_err(|error| Error::from_io("ignore routers on", link, error)),
        }
    }

    fn write(&self, link: &str, setting: &str, value: &[u8]) -> io::Result<()> {
        let file = raw::open_to_write(self.0.as_fd(), &Path::new(link).join(setting))?;
        File::from(file).write_at(value, 0).map(drop)
    }
}

//! Where a sandbox's namespace is mounted.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use crate::error::{Error, Result};
use crate::name::Name;

/// The directory that `ip netns` uses too, so that it sees the sandboxes.
pub const DEFAULT_BASE: &str = "/run/netns";
/// Bytes of an id that go into its key (libnetwork's `GenerateKey`).
const ID_BYTES: usize = 12;

/// The path where a sandbox's namespace is mounted: a base directory and a name (seed `000`, `Key`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SandboxKey {
    path: PathBuf,
    name: Name,
}

/// The key of the container `id`: [`DEFAULT_BASE`] and the first 12 bytes of the id, a shorter id
/// whole (seed `000`, `GenerateKey`).
///
/// # Errors
/// BadRequest when the id is no [`Name`]: empty, longer than 64 bytes, with `/`, NUL, `..`, or
/// beginning with `-`.
pub fn generate_key(id: &str) -> Result<SandboxKey> {
    let id = Name::new(id).map_err(|error| error.within("generate key of", format_args!("{id:?}")))?;
    let end = id.as_str().len().min(ID_BYTES);
    SandboxKey::new(&id.as_str()[..end])
}

impl SandboxKey {
    /// The key of the sandbox `name` under [`DEFAULT_BASE`].
    ///
    /// # Errors
    /// BadRequest when `name` is no [`Name`].
    pub fn new(name: &str) -> Result<Self> {
        Self::in_base(Path::new(DEFAULT_BASE), name)
    }

    /// The key of the sandbox `name` under the directory `base`, which is made when it is needed.
    ///
    /// # Errors
    /// BadRequest when `name` is no [`Name`], or `base` is not absolute or has `..` or a NUL in it.
    pub fn in_base(base: &Path, name: &str) -> Result<Self> {
        let refuse =
            |cause: &str| Err(Error::bad_request("use base directory", base.display().to_string(), cause));
        if !base.is_absolute() {
            return refuse("it is not an absolute path");
        }
        if base.components().any(|part| part == Component::ParentDir) {
            return refuse("it has '..' in it");
        }
        if base.as_os_str().as_encoded_bytes().contains(&0) {
            return refuse("it has a NUL in it");
        }
        let name = Name::new(name)?;
        Ok(Self { path: base.join(name.as_str()), name })
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its last part, what `ip netns` calls the sandbox.
    pub fn name(&self) -> &Name {
        &self.name
    }
}

impl fmt::Display for SandboxKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.path.display(), f)
    }
}

impl fmt::Debug for SandboxKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.path, f)
    }
}

//! Names that callers choose for networks, endpoints and sandboxes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A name of 1 to 64 ASCII letters, digits, `_`, `.` and `-`, the first a letter or a digit.
///
/// It is safe as a file name, in a kernel alias and on a command line. A container's id is one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// The longest name in bytes.
    pub const MAX: usize = 64;

    /// Checks `name`.
    ///
    /// # Errors
    /// BadRequest, with the rule that the name breaks.
    pub fn new(name: &str) -> Result<Self> {
        let refuse = |cause: &str| Err(Error::bad_request("use name", format!("{name:?}"), cause));
        if name.is_empty() {
            return refuse("it is empty");
        }
        if name.len() > Self::MAX {
            return refuse("it is longer than 64 bytes");
        }
        if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return refuse("it does not begin with an ASCII letter or digit");
        }
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte)) {
            return refuse("only ASCII letters, digits, '_', '.' and '-' are allowed");
        }
        Ok(Self(name.to_owned()))
    }

    /// The name as a string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = Error;
    fn from_str(name: &str) -> Result<Self> {
        Self::new(name)
    }
}

impl TryFrom<&str> for Name {
    type Error = Error;
    fn try_from(name: &str) -> Result<Self> {
        Self::new(name)
    }
}

impl TryFrom<String> for Name {
    type Error = Error;
    fn try_from(name: String) -> Result<Self> {
        Self::new(&name)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// 64-bit FNV-1a: short, and the same in every version of the library.
pub(crate) fn fnv1a(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

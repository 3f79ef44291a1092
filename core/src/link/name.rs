//! Interface names.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The name of a network interface: 1 to 15 bytes, as the kernel accepts them
/// (`dev_valid_name` in `net/core/dev.c`): no `/`, `:` or white space, not `.` or `..`.
/// `%` is refused too, because the kernel would take `eth%d` for a pattern, and so are `all` and `default`
/// (`sysctl_dev_name_is_allowed`), which are directories of `net.ipv4.conf`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InterfaceName(String);

impl InterfaceName {
    /// The longest name in bytes (`IFNAMSIZ` less the terminating NUL).
    pub const MAX: usize = 15;

    /// Checks `name`.
    ///
    /// # Errors
    /// BadRequest, with the rule that the name breaks.
    pub fn new(name: &str) -> Result<Self> {
        let refuse = |cause: &str| Err(Error::bad_request("use interface name", format!("{name:?}"), cause));
        if name.is_empty() {
            return refuse("it is empty");
        }
        if name.len() > Self::MAX {
            return refuse("it is longer than 15 bytes");
        }
        if name == "." || name == ".." {
            return refuse("'.' and '..' are no names");
        }
        if name == "all" || name == "default" {
            return refuse("the settings of all interfaces, and of those to come, are called that");
        }
        if name.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | ':' | '%')) {
            return refuse("'/', ':', '%', white space and control characters are not allowed");
        }
        Ok(Self(name.to_owned()))
    }

    /// The name as a string.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `self` followed by `number`, as long as that is a name.
    pub(crate) fn numbered(&self, number: u32) -> Result<Self> {
        Self::new(&format!("{self}{number}"))
    }
}

impl FromStr for InterfaceName {
    type Err = Error;
    fn from_str(name: &str) -> Result<Self> {
        Self::new(name)
    }
}

impl TryFrom<String> for InterfaceName {
    type Error = Error;
    fn try_from(name: String) -> Result<Self> {
        Self::new(&name)
    }
}

impl TryFrom<&str> for InterfaceName {
    type Error = Error;
    fn try_from(name: &str) -> Result<Self> {
        Self::new(name)
    }
}

impl From<InterfaceName> for String {
    fn from(name: InterfaceName) -> Self {
        name.0
    }
}

impl AsRef<str> for InterfaceName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// What an interface is to be called inside a sandbox (seed `000`, `DstName`; seed `004`, `dstPrefix`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    /// Exactly this name; an error when it is taken.
    Name(InterfaceName),
    /// This followed by the lowest number that is free: `eth` becomes `eth0`, then `eth1`.
    Prefix(InterfaceName),
}

impl Destination {
    /// The name for a sandbox in which `taken` tells which names are in use.
    pub(crate) fn resolve(&self, taken: impl Fn(&str) -> bool) -> Result<InterfaceName> {
        let prefix = match self {
            Self::Name(name) if taken(name.as_str()) => {
                return Err(Error::new(crate::ErrorKind::AlreadyExists, "use interface name", name.as_str())
                    .with_cause("the sandbox has an interface of that name"));
            }
            Self::Name(name) => return Ok(name.clone()),
            Self::Prefix(prefix) => prefix,
        };
        for number in 0.. {
            let name = prefix.numbered(number)?;
            if !taken(name.as_str()) {
                return Ok(name);
            }
        }
        unreachable!("the names with this prefix get too long before the numbers end")
    }
}

impl fmt::Display for Destination {
    /// The name, or the prefix with a `*` for the number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => fmt::Display::fmt(name, f),
            Self::Prefix(prefix) => write!(f, "{prefix}*"),
        }
    }
}

impl Default for Destination {
    /// The customary prefix `eth`.
    fn default() -> Self {
        Self::Prefix(InterfaceName("eth".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::hash_set;
    use proptest::prelude::*;

    use super::*;
    use crate::ErrorKind;

    fn name(text: &str) -> InterfaceName {
        InterfaceName::new(text).unwrap()
    }

    #[test]
    fn a_name_that_is_taken_is_refused_and_one_that_is_free_taken() {
        let wanted = Destination::Name(name("eth0"));
        assert_eq!(wanted.resolve(|_| false).unwrap(), name("eth0"));
        let error = wanted.resolve(|taken| taken == "eth0").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    }

    #[test]
    fn a_prefix_whose_names_get_too_long_ends_in_an_error() {
        let prefix = Destination::Prefix(name("a-long-prefix-"));
        assert_eq!(prefix.resolve(|_| false).unwrap(), name("a-long-prefix-0"));
        let error = prefix.resolve(|_| true).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadRequest);
        assert!(error.to_string().contains("15 bytes"), "{error}");
        let error = Destination::Prefix(name("a-longest-prefi")).resolve(|_| false).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadRequest);
    }

    proptest! {
        #[test]
        fn a_prefix_takes_the_lowest_number_that_is_free(taken in hash_set(0_u32..20, 0..20)) {
            let taken_names: Vec<_> = taken.iter().map(|number| format!("eth{number}")).collect();
            let resolved = Destination::default().resolve(|name| taken_names.iter().any(|taken| taken == name));
            let lowest = (0..).find(|number| !taken.contains(number)).unwrap();
            prop_assert_eq!(resolved.unwrap(), name(&format!("eth{lowest}")));
        }
    }
}

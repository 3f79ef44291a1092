//! Settings under `/proc/sys/net`.

use serde::{Deserialize, Serialize};

use super::InterfaceName;
use crate::error::{Error, Result};

/// A value for a setting under `/proc/sys/net` (proc_sys_net(5)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct SysctlSpec {
    path: String,
    value: String,
}

/// What a specification is read from.
#[derive(Deserialize)]
struct Unchecked {
    path: String,
    value: String,
}

/// The longest value in bytes.
const VALUE_MAX: usize = 255;

/// Where the settings of single interfaces are.
const OF_INTERFACES: [&str; 5] =
    ["net.ipv4.conf", "net.ipv4.neigh", "net.ipv6.conf", "net.ipv6.neigh", "net.mpls.conf"];

impl SysctlSpec {
    /// Checks `path`, which is below `/proc/sys` and has `/` between its components
    /// (`net/ipv4/conf/eth0/log_martians`), and `value`.
    ///
    /// # Errors
    /// BadRequest for a path that does not begin with `net/` or has an empty component, `.`, `..` or a
    /// control character; for a value that is empty, longer than 255 bytes or not printable.
    pub fn new(path: &str, value: &str) -> Result<Self> {
        let refuse = |cause: &str| Err(Error::bad_request("use setting", format!("{path:?}"), cause));
        if !path.starts_with("net/") {
            return refuse("it is not below net/");
        }
        if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return refuse("a component of a path is not empty, '.' or '..'");
        }
        if path.contains(char::is_control) {
            return refuse("control characters are not allowed");
        }
        check_value(value)?;
        Ok(Self { path: path.to_owned(), value: value.to_owned() })
    }

    /// A setting of one interface, in Docker's form: `net.ipv4.conf.IFNAME.log_martians`, where the
    /// literal word `IFNAME` stands for `interface`. Taken are `net.ipv4.conf`, `net.ipv4.neigh`,
    /// `net.ipv6.conf`, `net.ipv6.neigh` and `net.mpls.conf`.
    ///
    /// # Errors
    /// BadRequest for another `key`, for a `value` that [`SysctlSpec::new`] refuses, and for an interface
    /// called `all` or `default`, which are no interfaces there.
    pub fn for_interface(key: &str, value: &str, interface: &InterfaceName) -> Result<Self> {
        let refuse = |cause: String| Err(Error::bad_request("use setting", format!("{key:?}"), cause));
        let parts = key.split_once(".IFNAME.").filter(|(group, _)| OF_INTERFACES.contains(group));
        let Some((group, setting)) = parts else {
            let accepted = OF_INTERFACES.map(|group| format!("{group}.IFNAME.NAME")).join(", ");
            return refuse(format!("it is none of {accepted}"));
        };
        let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if setting.is_empty() || !setting.bytes().all(is_allowed) {
            return refuse("what follows IFNAME is one name of a-z, 0-9 and '_'".to_owned());
        }
        Self::new(&format!("{}/{interface}/{setting}", group.replace('.', "/")), value)
    }

    /// The path below `/proc/sys`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is written there.
    pub fn value(&self) -> &str {
        &self.value
    }
}

fn check_value(value: &str) -> Result<()> {
    let refuse = |cause: &str| Err(Error::bad_request("use value of a setting", format!("{value:?}"), cause));
    if value.is_empty() {
        return refuse("it is empty");
    }
    if value.len() > VALUE_MAX {
        return refuse("it is longer than 255 bytes");
    }
    if !value.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return refuse("it is not printable ASCII on one line");
    }
    Ok(())
}

impl TryFrom<Unchecked> for SysctlSpec {
    type Error = Error;
    fn try_from(spec: Unchecked) -> Result<Self> {
        Self::new(&spec.path, &spec.value)
    }
}

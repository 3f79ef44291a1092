//! Whose a chain, a rule or an element is: its comment.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The longest comment that nft(8) reads back.
pub(super) const COMMENT_MAX: usize = 128;

/// Whose a chain, a rule or an element is. It reads `0badcafe NETWORK`, or `0badcafe NETWORK/ENDPOINT`: the
/// mark of the store in eight hexadecimal digits, and names without control characters and quotation marks,
/// the network's without `/` and white space too and of 64 bytes at most.
///
/// What is longer than the 128 bytes of a comment ends with `~` and a hash of the endpoint's name. Two owners
/// are the same when their comments are, so that one which was read back equals the one that was written.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// The mark of the store.
    pub mark: u32,
    /// The network's name.
    pub network: String,
    /// The endpoint's name, of what does not belong to the whole network.
    pub endpoint: Option<String>,
}

impl Owner {
    const NETWORK_MAX: usize = 64;

    /// Whether the names can be in a comment.
    ///
    /// # Errors
    /// BadRequest.
    pub(super) fn check(&self) -> Result<()> {
        let foreign = |c: char| c.is_control() || c == '"';
        let network = |c: char| foreign(c) || c.is_whitespace() || c == '/';
        let endpoint = self.endpoint.as_deref().unwrap_or("-");
        let bad = self.network.is_empty()
            || self.network.len() > Self::NETWORK_MAX
            || self.network.contains(network)
            || endpoint.is_empty()
            || endpoint.contains(foreign);
        if bad {
            let names = format!("{:?}, {:?}", self.network, self.endpoint);
            return Err(Error::bad_request("own with", names, "the names do not fit a comment"));
        }
        Ok(())
    }

    /// The name of the network, and the endpoint's behind a `/`.
    pub(crate) fn name(&self) -> String {
        match &self.endpoint {
            Some(endpoint) => format!("{}/{endpoint}", self.network),
            None => self.network.clone(),
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:08x} {}", self.mark, self.name());
        if text.len() <= COMMENT_MAX {
            return f.write_str(&text);
        }
        let hash = format!("~{:016x}", fnv(self.endpoint.as_deref().unwrap_or_default().as_bytes()));
        let mut end = COMMENT_MAX - hash.len();
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        write!(f, "{}{hash}", &text[..end])
    }
}

/// FNV-1a of 64 bits: the same in every process and version.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

impl FromStr for Owner {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let foreign = || Error::bad_request("read owner", format!("{text:?}"), "it is no comment of ours");
        let (mark, name) = text.split_once(' ').ok_or_else(foreign)?;
        let digits = mark.len() == 8 && mark.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let mark = u32::from_str_radix(mark, 16).ok().filter(|_| digits).ok_or_else(foreign)?;
        let (network, endpoint) = match name.split_once('/') {
            Some((network, endpoint)) => (network, Some(endpoint.to_owned())),
            None => (name, None),
        };
        let owner = Self { mark, network: network.to_owned(), endpoint };
        owner.check().map_err(|_| foreign())?;
        Ok(owner)
    }
}

impl PartialEq for Owner {
    fn eq(&self, other: &Self) -> bool {
        self.mark == other.mark && (self.name() == other.name() || self.to_string() == other.to_string())
    }
}

impl Eq for Owner {}

impl Hash for Owner {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.to_string().hash(state);
    }
}

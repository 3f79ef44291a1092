//! The ports that the host gives to whoever does not ask for one.

use std::fs;

use super::PortRange;
use crate::error::Result;
use crate::sys;

/// The kernel's own choice (`net.ipv4.ip_local_port_range`, ip-sysctl.rst), where it does not say.
const DEFAULT: (u16, u16) = (32_768, 60_999);

/// What the calling thread's namespace says of them. It is both families'.
pub(super) struct LocalPorts {
    first: u16,
    last: u16,
    reserved: Vec<PortRange>,
}

impl LocalPorts {
    pub(super) fn read() -> Self {
        let setting = |name| fs::read_to_string(format!("/proc/sys/net/ipv4/{name}")).unwrap_or_default();
        let (first, last) = parse_range(&setting("ip_local_port_range")).unwrap_or(DEFAULT);
        Self { first, last, reserved: parse_list(&setting("ip_local_reserved_ports")) }
    }

    pub(super) fn range(&self) -> String {
        format!("{}-{}", self.first, self.last)
    }

    /// So many ports in a row that are free and not reserved (`net.ipv4.ip_local_reserved_ports`), from
    /// anywhere in the range.
    pub(super) fn choose(
        &self,
        count: usize,
        is_free: impl Fn(u16) -> Result<bool>,
    ) -> Result<Option<PortRange>> {
        let span = usize::from(self.last - self.first) + 1;
        if count > span {
            return Ok(None);
        }
        let offset = usize::try_from(u32::from_ne_bytes(sys::random_bytes())).unwrap_or(0) % span;
        let is_free = |port| Ok(!self.reserved.iter().any(|own| own.contains(port)) && is_free(port)?);
        let port = |offset: usize| u16::try_from(usize::from(self.first) + offset.min(span - 1)).ok();
        // The second time also what begins before the offset and goes on beyond it.
        for (from, to) in [(offset, span - 1), (0, offset + count)] {
            let (Some(from), Some(to)) = (port(from), port(to)) else { continue };
            if let Some(found) = first_row(PortRange::new(from, to)?, count, is_free)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

/// The first `count` ports in a row of which all are free.
fn first_row(
    ports: PortRange,
    count: usize,
    is_free: impl Fn(u16) -> Result<bool>,
) -> Result<Option<PortRange>> {
    let mut first = None;
    for port in ports {
        first = match is_free(port)? {
            true => first.or(Some(port)),
            false => None,
        };
        let row = first.map(|first| PortRange::new(first, port)).transpose()?;
        if let Some(row) = row.filter(|row| row.len() == count) {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

fn parse_range(text: &str) -> Option<(u16, u16)> {
    let mut words = text.split_ascii_whitespace().map(str::parse::<u16>);
    let (first, last) = (words.next()?.ok()?.max(1), words.next()?.ok()?);
    (first <= last).then_some((first, last))
}

fn parse_list(text: &str) -> Vec<PortRange> {
    text.trim().split(',').filter_map(|ports| ports.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(first: u16, last: u16, reserved: &str) -> LocalPorts {
        LocalPorts { first, last, reserved: parse_list(reserved) }
    }

    fn choose(local: &LocalPorts, count: usize, free: &[u16]) -> Option<(u16, u16)> {
        let chosen = local.choose(count, |port| Ok(free.contains(&port))).unwrap();
        chosen.map(|ports| (ports.first(), ports.last()))
    }

    #[test]
    fn the_one_row_that_is_free_is_found_from_everywhere() {
        let few = local(100, 109, "");
        for _ in 0..200 {
            assert_eq!(choose(&few, 1, &[103]), Some((103, 103)));
            assert_eq!(choose(&few, 3, &[100, 101, 103, 104, 105, 109]), Some((103, 105)));
            assert_eq!(choose(&few, 2, &[100, 101, 109]), Some((100, 101)));
            assert_eq!(choose(&few, 2, &[100, 108, 109]), Some((108, 109)));
            assert_eq!(choose(&few, 2, &[100, 102, 104, 109]), None);
            assert_eq!(choose(&few, 1, &[]), None);
            assert_eq!(choose(&few, 11, &(0..200).collect::<Vec<_>>()), None);
            assert_eq!(choose(&few, 10, &(0..200).collect::<Vec<_>>()), Some((100, 109)));
            assert_eq!(choose(&local(100, 109, "100-104,106-108\n"), 1, &[104, 105, 106]), Some((105, 105)));
        }
        let every = local(1, 65535, "");
        assert_eq!(choose(&every, 65535, &(0..=65535).collect::<Vec<_>>()), Some((1, 65535)));
    }

    #[test]
    fn what_the_kernel_says_is_read() {
        assert_eq!(parse_range("32768\t60999\n"), Some((32768, 60999)));
        assert_eq!(parse_range("0 1"), Some((1, 1)));
        for hostile in ["", "1", "2 1", "0 0", "a b", "1 65536"] {
            assert_eq!(parse_range(hostile), None, "{hostile}");
        }
        assert!(parse_list("\n").is_empty());
        assert_eq!(parse_list("80,90-92\n").len(), 2);
    }
}

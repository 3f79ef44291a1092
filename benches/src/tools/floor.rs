use std::path::Path;
use std::time::Duration;

use super::{make_bridge, Place, Tool};
use crate::floor::{Address, Ends, Floor};
use crate::stats::timed;

/// Raw messages: what the kernel charges.
#[derive(Debug)]
pub struct ByFloor(Floor);

impl ByFloor {
    /// For `bridge`, which it makes.
    ///
    /// # Errors
    /// When that fails.
    pub fn new(bridge: &str, index: u8) -> Result<Self, String> {
        make_bridge(bridge, super::gateway(index))?;
        Floor::new(Some(bridge)).map(Self).map_err(|error| error.to_string())
    }

    fn join(&mut self, place: &Place, is_new: bool) -> std::io::Result<()> {
        let [_, _, c, d] = place.address.addr().octets();
        let (host_name, mac) = (format!("v{}", place.name), [0x02, 0x0f, 0, 1, c, d]);
        let ends = Ends { host_name: &host_name, host_mac: [0x02, 0x0f, 0, 2, c, d], mac };
        let (address, prefix) = (place.address.addr(), place.address.prefix_len());
        let v4 = Address { address, prefix, gateway: place.gateway };
        let path = place.path();
        let mut sandbox = match is_new {
            true => self.0.sandbox(Path::new(&path), true)?,
            false => self.0.open(Path::new(&path), true)?,
        };
        self.0.join(&mut sandbox, &ends, v4, None)
    }
}

impl Tool for ByFloor {
    fn attach(&mut self, place: &Place) -> Result<Duration, String> {
        let (took, joined) = timed(|| self.join(place, false));
        joined.map(|()| took).map_err(|error| error.to_string())
    }

    fn detach(&mut self, place: &Place) -> Result<Option<Duration>, String> {
        super::ip(&["link", "delete", &format!("v{}", place.name)]).map(|()| None)
    }

    fn whole(&mut self, place: &Place) -> Result<Option<Duration>, String> {
        let (took, joined) = timed(|| self.join(place, true));
        joined.map(|()| Some(took)).map_err(|error| error.to_string())
    }
}

//! Whose an address is that somebody else's address management gives: it may give one twice.

use std::net::IpAddr;

use rusqlite::Connection;

use super::active::Active;
use super::record::EndpointRecord;
use super::Controller;
use crate::error::{Error, ErrorKind, Result};
use crate::ipam;

impl Active {
    /// Whether its addresses are somebody else's to give; who chooses them all himself may choose one twice.
    fn is_given_to(&self) -> bool {
        !ipam::is_builtin(&self.config.ipam)
    }

    /// Who has that address of the network's: none when nobody has.
    fn owner(&self, tx: &Connection, address: IpAddr) -> Result<Option<String>> {
        if self.config.subnets.iter().any(|subnet| subnet.reserved().any(|own| own == address)) {
            return Ok(Some(format!("network {} itself", self.config.name)));
        }
        let owner = EndpointRecord::of_address(tx, &self.config.name, address)?;
        Ok(owner.map(|owner| format!("endpoint {}", owner.config.name)))
    }

    /// Refuses addresses of an endpoint that is not recorded yet which another has.
    pub(super) fn refuse_owned(&self, tx: &Connection, record: &EndpointRecord) -> Result<()> {
        if !self.is_given_to() {
            return Ok(());
        }
        for address in record.addresses() {
            let Some(owner) = self.owner(tx, address.addr())? else { continue };
            let cause = format!("the address management {} gave it, and {owner} has it", self.config.ipam);
            return Err(Error::new(ErrorKind::System, "use address", address.to_string()).with_cause(cause));
        }
        Ok(())
    }
}

impl Controller {
    /// Whether an address can be given back that no endpoint is to have which is recorded. Where that is not to be
    /// known it cannot.
    pub(super) fn is_nobodys(&self, active: &Active, address: IpAddr) -> bool {
        if !active.is_given_to() {
            return true;
        }
        let kept = match self.store.read(|tx| active.owner(tx, address)) {
            Ok(None) => return true,
            Ok(Some(owner)) => format!("{owner} has it"),
            Err(error) => error.to_string(),
        };
        log::warn!("address {address} is not given back to {}: {kept}", active.config.ipam);
        false
    }
}

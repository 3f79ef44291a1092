//! Endpoints taken out of sandboxes that are gone, or out of those where they were left half made.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::controller::active::Active;
use crate::controller::record::EndpointRecord;
use crate::controller::Controller;
use crate::error::Result;
use crate::name::Name;
use crate::store::GateGuard;

impl Controller {
    /// [`Controller::discard_stale`] of all networks whose endpoints may have what this one wants; of other networks only
    /// where nobody is to be asked, and what fails there is not this one's affair.
    pub(in crate::controller) fn discard_in_the_way(&self, record: &EndpointRecord) -> Result<bool> {
        let mut found = self.discard_stale(&record.network)?;
        let mut networks = BTreeSet::new();
        if !record.config.ports.is_empty() {
            let others = self.store.read(EndpointRecord::all)?.into_iter();
            networks.extend(others.filter(|other| !other.ports.is_empty()).map(|other| other.network));
        }
        networks.remove(&record.network);
        for network in &networks {
            match self.is_plain(network).and_then(|is_plain| Ok(is_plain && self.discard_stale(network)?)) {
                Ok(discarded) => found |= discarded,
                Err(error) => log::warn!("{error}"),
            }
        }
        Ok(found)
    }

    /// Removes the endpoints of a network whose sandboxes or devices are gone, with all that is left of them. False when
    /// there are none.
    fn discard_stale(&self, network: &Name) -> Result<bool> {
        let network_type = self.definition(network).ok().map(|(config, _)| config.network_type);
        let mut stale = Vec::new();
        {
            let _gate = self.gate.enter()?;
            for record in self.store.read(|tx| EndpointRecord::of_network(tx, network))? {
                if self.is_stale(&record, network_type.as_deref())? {
                    stale.push(record);
                }
            }
        }
        let mut found = false;
        for record in stale {
            found |= self.discard(&record, true, || self.is_stale(&record, network_type.as_deref()))?;
        }
        Ok(found)
    }

    /// Takes the endpoint out of its sandbox, if that is there, and where it `ends` removes it, if it is still recorded so
    /// and `still` is so behind the gate.
    pub(super) fn discard(
        &self,
        record: &EndpointRecord,
        ends: bool,
        still: impl FnOnce() -> Result<bool>,
    ) -> Result<bool> {
        let Some((gate, active)) = self.alone_with(record, still)? else { return Ok(false) };
        let active = active.as_deref();
        if let Some(active) = active.filter(|active| active.acts_by_itself()) {
            if !self.part_alone(gate, active, record, ends)? {
                return Ok(false);
            }
        } else if ends {
            self.erase(gate, record, active)?;
        } else {
            self.detach(&mut record.clone(), active, true)?;
        }
        self.tell_parted(record, ends);
        Ok(true)
    }

    fn erase(&self, gate: GateGuard<'_>, record: &EndpointRecord, active: Option<&Active>) -> Result<()> {
        let mut parted = record.clone();
        // Whether its ports became its own is not known: what is another's under the same key stays.
        self.dismiss_owned(record)?;
        parted.ports.clear();
        self.detach(&mut parted, active, false)?;
        parted.ports.clone_from(&record.ports);
        self.remove(&parted, active)?;
        drop(gate);
        active.inspect(|active| self.give_all_back_elsewhere(active, record));
        Ok(())
    }

    /// The gate, and the network of an endpoint that is to part, while that is recorded so and `still` is so.
    fn alone_with(
        &self,
        record: &EndpointRecord,
        still: impl FnOnce() -> Result<bool>,
    ) -> Result<Option<(GateGuard<'_>, Option<Arc<Active>>)>> {
        let active = self.parting(record)?;
        let gate = self.gate.enter()?;
        let same = self.find(&record.network, &record.config.name)?.as_ref() == Some(record);
        let is_still = same && self.is_current(&record.network, active.as_deref())? && still()?;
        Ok(is_still.then_some((gate, active)))
    }
}

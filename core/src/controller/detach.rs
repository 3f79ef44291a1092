//! Endpoints whose device leaves its sandbox, and what stays behind there.

use super::active::Active;
use super::gateway::{choose, offered};
use super::join::{fellows, is_same};
use super::parting::unless_refused;
use super::record::{EndpointRecord, Joined};
use super::sandboxes::open_there;
use super::Controller;
use crate::error::{Error, Result};
use crate::plugin::client::is_unreachable;
use crate::sandbox::{Sandbox, SandboxKey};
use crate::sys::NamespaceLife;

impl Controller {
    /// Takes the endpoint's device out of its sandbox; `record` says afterwards that it is in none, and
    /// so does the store when `keep` says that the endpoint stays. After a failure it is still in the
    /// sandbox, so that it can be tried again.
    ///
    /// A driver that acts by itself is not for this, but for [`Controller::part_alone`].
    pub(super) fn detach(
        &self,
        record: &mut EndpointRecord,
        active: Option<&Active>,
        keep: bool,
    ) -> Result<()> {
        let Some(joined) = record.joined.clone() else {
            self.unlink(record, active)?;
            self.unmeter(record);
            return Ok(());
        };
        let sandbox = self.open_as(&joined)?;
        // The library's own link goes faster from the host.
        if let Some(active) = active {
            let left = active.driver.leave(record.network.as_str(), record.config.name.as_str())?;
            self.apply(&left)?;
        }
        self.dismiss(&[record])?;
        self.clear_out(record, &joined, sandbox.as_ref())?;
        self.stop_counting_inside(record, sandbox.as_ref());
        record.joined = None;
        self.unmeter(record);
        record.meter = None;
        if keep {
            // From now on it is an endpoint of its own.
            record.transient = false;
            self.store.write(|tx| record.update(tx))?;
        }
        Ok(())
    }

    /// A device that was handed over goes back to its driver before the driver has it removed. A plugin that does not
    /// answer is not asked for more: the endpoint is then where it was.
    pub(super) fn part_by_itself(
        &self,
        active: &Active,
        record: &EndpointRecord,
        joined: &Joined,
        sandbox: Option<&Sandbox>,
    ) -> Result<()> {
        let outside = unless_refused(active, self.disconnect_outside(active, record));
        if outside.as_ref().is_err_and(is_unreachable) {
            return outside;
        }
        let left = active.driver.leave(record.network.as_str(), record.config.name.as_str());
        let left = unless_refused(active, left);
        if left.as_ref().is_err_and(is_unreachable) {
            return left.map(drop);
        }
        let steps =
            [outside, self.clear_out(record, joined, sandbox), left.and_then(|left| self.apply(&left))];
        Error::first_of(steps.into_iter().filter_map(Result::err).collect())
    }

    /// Takes what is left of the endpoint out of the sandbox, and lets the next in line give its gateways.
    pub(super) fn clear_out(
        &self,
        record: &EndpointRecord,
        joined: &Joined,
        sandbox: Option<&Sandbox>,
    ) -> Result<()> {
        let Some(sandbox) = sandbox else { return Ok(()) };
        if let Some(src_name) = &joined.src_name {
            sandbox.take_out(src_name)?;
        }
        self.pass_gateways_on(record, sandbox)
    }

    /// The sandbox that the endpoint joined; none when it is gone or another is in its place.
    pub(super) fn open_as(&self, joined: &Joined) -> Result<Option<Sandbox>> {
        if !is_there(joined) {
            return Ok(None);
        }
        let (Some(base), Some(name)) = (joined.sandbox.parent(), joined.sandbox.file_name()) else {
            return Ok(None);
        };
        open_there(&SandboxKey::in_base(base, &name.to_string_lossy())?)
    }

    /// Where the endpoint that leaves gave the default gateway, the next in line gives it.
    fn pass_gateways_on(&self, leaving: &EndpointRecord, sandbox: &Sandbox) -> Result<()> {
        let all = self.store.read(|tx| fellows(tx, sandbox))?;
        let rest: Vec<_> = all.iter().filter(|record| !is_same(record, leaving)).cloned().collect();
        for ipv6 in [false, true] {
            let gave = choose(&all, ipv6).is_some_and(|best| is_same(best, leaving));
            let Some(next) = choose(&rest, ipv6).filter(|_| gave) else { continue };
            let src_name = next.joined.as_ref().and_then(|joined| joined.src_name.as_ref());
            if let (Some(src_name), Some(gateway)) = (src_name, offered(next, ipv6)) {
                sandbox.route_through(src_name, gateway)?;
            }
        }
        Ok(())
    }
}

/// Whether the very sandbox is still mounted where it was.
pub(super) fn is_there(joined: &Joined) -> bool {
    NamespaceLife::at(&joined.sandbox) == Some(joined.life)
}

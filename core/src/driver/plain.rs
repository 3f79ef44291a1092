//! The drivers of networks without devices: `host`, `loopback` and `null`.

use std::path::Path;
use std::sync::Arc;

use super::info::{InterfaceInfo, JoinInfo, NetworkInfo};
use super::{options as keys, Driver, IpamData, Options};
use crate::error::{Error, Result};
use crate::host::Host;
use crate::link::{InterfaceName, LinkChange, LinkRef, Place};
use crate::plan::{Action, Plan};
use crate::sys::Namespace;

/// What a network without devices does for a sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The sandbox is the host's own namespace, with all that is there.
    Host,
    /// `lo` is up, and nothing else is there.
    Loopback,
    /// Nothing is done.
    Null,
}

impl Kind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Loopback => "loopback",
            Self::Null => "null",
        }
    }
}

/// Networks without devices, without addresses, without gateways.
pub(crate) struct PlainDriver {
    kind: Kind,
    host: Arc<Host>,
}

impl PlainDriver {
    pub(crate) fn new(kind: Kind, host: Arc<Host>) -> Self {
        Self { kind, host }
    }

    fn refuse_options(&self, options: &Options) -> Result<()> {
        keys::parse::<keys::NoOptions>(self.kind.as_str(), options).map(drop)
    }

    fn check_is_host(&self, sandbox_key: &str) -> Result<()> {
        let namespace = Namespace::open(Path::new(sandbox_key))?;
        if namespace.id() == self.host.namespace().id() {
            return Ok(());
        }
        let cause = "a host network is for a sandbox that is the host's own namespace";
        Err(Error::bad_request("use sandbox", sandbox_key, cause))
    }
}

impl Driver for PlainDriver {
    fn network_type(&self) -> &str {
        self.kind.as_str()
    }

    fn create_network(
        &self,
        _: &str,
        options: &Options,
        _: &mut NetworkInfo,
        ipv4: &[IpamData],
        ipv6: &[IpamData],
    ) -> Result<Plan> {
        self.refuse_options(options)?;
        if ipv4.iter().chain(ipv6).any(|data| data.pool.is_some()) {
            let subject = format!("of a {} network", self.kind.as_str());
            return Err(Error::bad_request("use subnets", subject, "it has no addresses"));
        }
        Ok(Plan::default())
    }

    fn delete_network(&self, _: &str) -> Result<Plan> {
        Ok(Plan::default())
    }

    fn create_endpoint(&self, _: &str, _: &str, _: &mut InterfaceInfo, options: &Options) -> Result<Plan> {
        self.refuse_options(options)?;
        Ok(Plan::default())
    }

    fn delete_endpoint(&self, _: &str, _: &str) -> Result<Plan> {
        Ok(Plan::default())
    }

    fn endpoint_oper_info(&self, _: &str, _: &str) -> Result<Options> {
        Ok(Options::new())
    }

    fn join(&self, _: &str, _: &str, key: &str, join: &mut JoinInfo, options: &Options) -> Result<()> {
        self.refuse_options(options)?;
        join.disable_gateway_service();
        match self.kind {
            Kind::Host => self.check_is_host(key)?,
            Kind::Loopback => {
                let mut lo = LinkChange::new(LinkRef::indexed(InterfaceName::new("lo")?, 1));
                lo.up = Some(true);
                join.inside.push(Place::Sandbox, Action::SetLink(lo));
            }
            Kind::Null => {}
        }
        Ok(())
    }

    fn leave(&self, _: &str, _: &str) -> Result<Plan> {
        Ok(Plan::default())
    }
}

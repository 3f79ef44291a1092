//! A store that was lost, made anew from what the kernel tells.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension};

use super::record::{EndpointRecord, Joined, Lifetime};
use super::reread::reread;
use super::{ControllerOptions, EndpointConfig, NetworkConfig};
use crate::driver::naming::{self, Mark};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::ipam::PoolIpam;
use crate::link::{message, parse, v4, v6, InterfaceName};
use crate::name::Name;
use crate::sandbox::{Interface, Sandbox, SandboxKey};
use crate::stats::Meter;
use crate::store::{leases, store_error, Database, Definitions};
use crate::sys::{Namespace, NamespaceId, Process};

/// By the name of the end inside, whose it is.
type Owners = HashMap<InterfaceName, (Name, Name)>;

/// The key of the store's own note of the namespace that it is for.
const HOST: &str = "host";

/// Sees to it that the store is this host's: one of a namespace that is gone is made anew.
///
/// # Errors
/// Forbidden when it is another namespace's that is in use.
pub(super) fn claim(tx: &Connection, host: &Host, mark: &Mark, options: &ControllerOptions) -> Result<()> {
    let failed = |error| store_error("look up the host of", "store", error);
    let (device, inode) = host.namespace().id().numbers();
    let own = format!("{device}:{inode}");
    let select = "SELECT value FROM meta WHERE key = ?1";
    let there: Option<String> = tx.query_row(select, [HOST], |row| row.get(0)).optional().map_err(failed)?;
    if there.as_ref() == Some(&own) {
        return Ok(());
    }
    if let Some(there) = there {
        refuse_alive(&there)?;
        Database::wipe(tx)?;
        rebuild(tx, host, mark, options)?;
    }
    let insert = "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)";
    tx.execute(insert, [HOST, &own]).map_err(failed)?;
    Ok(())
}

fn refuse_alive(host: &str) -> Result<()> {
    let numbers =
        host.split_once(':').and_then(|(device, inode)| Some((device.parse().ok()?, inode.parse().ok()?)));
    let Some((device, inode)) = numbers else { return Ok(()) };
    let is_mounted = Namespace::mounts()?.iter().any(|(_, number)| *number == inode);
    if !is_mounted && !NamespaceId::has_threads(device, inode) {
        return Ok(());
    }
    let cause =
        format!("it belongs to another network namespace, net:[{inode}]: use a run directory of your own");
    Err(Error::new(ErrorKind::Forbidden, "use", "store").with_cause(cause))
}

/// Records the endpoints whose links carry this store's mark, the sandboxes that they are in, and their
/// addresses. What they were asked for beyond that is lost, and with their sandboxes they will go.
pub(super) fn rebuild(
    tx: &Connection,
    host: &Host,
    mark: &Mark,
    options: &ControllerOptions,
) -> Result<usize> {
    let owners = owners(host, mark)?;
    let definitions = Definitions::new(options.networks_dir.clone());
    let mut found = 0;
    for (path, _) in Namespace::mounts()? {
        // What is not found now is taken for an orphan later: a sandbox that cannot be read is an error.
        match recover(tx, &owners, mark, &definitions, &path) {
            Err(error) if matches!(error.kind(), ErrorKind::BadRequest | ErrorKind::NotFound) => {
                log::debug!("{}: {error}", path.display());
            }
            result => found += result?,
        }
    }
    recover_slots(tx, mark, options)?;
    reread(tx, host, mark)?;
    Ok(found)
}

/// Records where the interfaces are counted that were found.
fn recover_slots(tx: &Connection, mark: &Mark, options: &ControllerOptions) -> Result<()> {
    let meter = Meter::open_existing(&options.meter).inspect_err(|error| log::debug!("{error}"));
    let Ok(Some(meter)) = meter else { return Ok(()) };
    let own = meter.entries().filter(|entry| entry.owner.mark == mark.number() && !entry.leaving);
    let slots: HashMap<_, _> = own.map(|entry| (entry.owner.digest, entry.id)).collect();
    for mut record in EndpointRecord::all(tx)? {
        record.meter = slots.get(&naming::digest(&record.network, &record.config.name)).copied();
        record.update(tx)?;
    }
    Ok(())
}

fn owners(host: &Host, mark: &Mark) -> Result<Owners> {
    let links = host.socket().dump(&message::list_links())?;
    let mut owners = Owners::new();
    for link in links.iter().filter_map(parse::link) {
        let of = link.alias.as_deref().and_then(|alias| mark.parse(alias));
        if let Some((network, Some(endpoint))) = of {
            let (_, src_name) = naming::link_names(&network, &endpoint)?;
            owners.insert(src_name, (network, endpoint));
        }
    }
    Ok(owners)
}

/// Records what is in one sandbox, and returns how many endpoints that was.
fn recover(
    tx: &Connection,
    owners: &Owners,
    mark: &Mark,
    definitions: &Definitions,
    path: &Path,
) -> Result<usize> {
    let (Some(base), Some(name)) = (path.parent(), path.file_name()) else { return Ok(0) };
    let sandbox = Sandbox::open(&SandboxKey::in_base(base, &name.to_string_lossy())?)?;
    let mut found = 0;
    for (interface, of) in sandbox.interfaces_with_owners()? {
        let of = of.and_then(|of| mark.parse(&of)).and_then(|(network, endpoint)| Some((network, endpoint?)));
        let Some((network, endpoint)) = owners.get(&interface.src_name).cloned().or(of) else { continue };
        found += usize::from(record(tx, definitions, &sandbox, &interface, network, &endpoint)?);
    }
    Ok(found)
}

fn record(
    tx: &Connection,
    definitions: &Definitions,
    sandbox: &Sandbox,
    interface: &Interface,
    network: Name,
    endpoint: &Name,
) -> Result<bool> {
    let config = definitions.load::<NetworkConfig>(&network).ok().flatten().map(|(config, _)| config);
    let subnet = |ipv6| config.as_ref().and_then(|config| config.subnet(ipv6));
    let gateway = |ipv6| {
        let is_internal = config.as_ref().is_some_and(|config| config.internal);
        subnet(ipv6).filter(|_| !is_internal).and_then(|subnet| subnet.gateway)
    };
    let joined = Joined {
        sandbox: sandbox.key().path().to_owned(),
        life: sandbox.life()?,
        mounts: Namespace::of_mounts(),
        src_name: Some(interface.src_name.clone()),
        gateway: interface.address.and(gateway(false)).and_then(v4),
        gateway_ipv6: interface.address_ipv6.and(gateway(true)).and_then(v6),
    };
    let mut record = EndpointRecord {
        network,
        config: EndpointConfig::new(endpoint.as_str())?,
        address: interface.address,
        address_ipv6: interface.address_ipv6,
        mac: interface.mac,
        transient: true,
        lifetime: Lifetime::Host,
        owner: Process::current()?,
        joined: Some(joined),
        linked: None,
        attended: None,
        chosen: Vec::new(),
        elsewhere: config.as_ref().is_some_and(|config| config.ipam != PoolIpam::NAME),
        meter: None,
        ports: Vec::new(),
    };
    let mut leased = Vec::new();
    for ipv6 in [false, true] {
        let Some(subnet) = subnet(ipv6).map(|subnet| subnet.subnet) else { continue };
        for address in record.addresses().filter(|net| subnet.contains(&net.addr())).collect::<Vec<_>>() {
            // The prefix inside may be longer than the subnet's.
            if let Ok(own) = ipnet::IpNet::new(address.addr(), subnet.prefix_len()) {
                record.set_address(own);
                leased.extend((!record.elsewhere).then_some(own));
            }
        }
    }
    match record.insert(tx) {
        // A namespace that is mounted twice, or one that says it has what another has.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            log::warn!("rebuilding the store: {}: {error}", sandbox.key());
            return Ok(false);
        }
        result => result?,
    }
    for own in leased {
        match leases::take(tx, own.trunc(), own.trunc(), Some(own.addr())) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            result => drop(result?),
        }
    }
    Ok(true)
}

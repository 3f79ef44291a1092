//! A store that was lost, made anew from what the kernel tells.

use std::collections::HashMap;
use std::path::Path;

use ipnet::IpNet;
use rusqlite::{Connection, OptionalExtension};

use super::record::{EndpointRecord, Joined, Lifetime};
use super::reread::reread;
use super::{given, moved};
use super::{ControllerOptions, EndpointConfig, NetworkConfig};
use crate::driver::naming::{self, Mark};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::ipam::{PoolIpam, StaticIpam};
use crate::link::parse::{self, LinkState};
use crate::link::{message, v4, v6, InterfaceName};
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
    let links = host.socket().dump(&message::list_links())?;
    let links: Vec<_> = links.iter().filter_map(parse::link).collect();
    let owners = owners(&links, mark)?;
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
    found += moved::recover(tx, host, mark, &definitions, &links)?;
    recover_slots(tx, mark, options)?;
    reread(tx, host, mark)?;
    given::restore(tx, &definitions, &given::files(&options.networks_dir))?;
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

fn owners(links: &[LinkState], mark: &Mark) -> Result<Owners> {
    let mut owners = Owners::new();
    for link in links {
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
        let config = definition(definitions, &network);
        let joined = joined(&sandbox, &interface, config.as_ref())?;
        let record = EndpointRecord {
            address: interface.address,
            address_ipv6: interface.address_ipv6,
            mac: interface.mac,
            joined: Some(joined),
            ..found_again(network, &endpoint)?
        };
        found += usize::from(add(tx, config.as_ref(), record)?);
    }
    Ok(found)
}

pub(super) fn definition(definitions: &Definitions, network: &Name) -> Option<NetworkConfig> {
    definitions.load(network).ok().flatten().map(|(config, _)| config)
}

fn joined(sandbox: &Sandbox, interface: &Interface, config: Option<&NetworkConfig>) -> Result<Joined> {
    let gateway = |ipv6| {
        let config = config.filter(|config| !config.internal)?;
        config.subnet(ipv6)?.gateway
    };
    Ok(Joined {
        sandbox: sandbox.key().path().to_owned(),
        life: sandbox.life()?,
        mounts: Namespace::of_mounts(),
        src_name: Some(interface.src_name.clone()),
        gateway: interface.address.and(gateway(false)).and_then(v4),
        gateway_ipv6: interface.address_ipv6.and(gateway(true)).and_then(v6),
    })
}

/// A record of an endpoint of which no more is known.
pub(super) fn found_again(network: Name, endpoint: &Name) -> Result<EndpointRecord> {
    Ok(EndpointRecord {
        network,
        config: EndpointConfig::new(endpoint.as_str())?,
        address: None,
        address_ipv6: None,
        mac: None,
        transient: true,
        lifetime: Lifetime::Host,
        owner: Process::current()?,
        joined: None,
        linked: None,
        attended: None,
        chosen: Vec::new(),
        elsewhere: false,
        meter: None,
        ports: Vec::new(),
    })
}

/// By this label a network, or an endpoint, is known to be Docker's.
pub(crate) const DOCKERS: (&str, &str) = ("libnetns.plugin", "docker");
/// How many characters an id of Docker's has.
const ID: usize = 64;

/// Whether an endpoint that was found again is taken for Docker's: its label is lost with the store.
fn is_dockers(config: &NetworkConfig, endpoint: &str) -> bool {
    let has_id = endpoint.len() == ID && endpoint.bytes().all(|byte| byte.is_ascii_hexdigit());
    has_id && config.labels.get(DOCKERS.0).is_some_and(|own| own == DOCKERS.1)
}

/// Records an endpoint that was found, with the addresses that it has there.
pub(super) fn add(
    tx: &Connection,
    config: Option<&NetworkConfig>,
    mut record: EndpointRecord,
) -> Result<bool> {
    record.elsewhere = config.is_some_and(|config| config.ipam != PoolIpam::NAME);
    let mut leased = Vec::new();
    for subnet in config.iter().flat_map(|config| &config.subnets).map(|own| own.subnet) {
        for address in record.addresses().filter(|net| subnet.contains(&net.addr())).collect::<Vec<_>>() {
            // The prefix inside may be longer than the subnet's.
            if let Ok(own) = IpNet::new(address.addr(), subnet.prefix_len()) {
                record.set_address(own);
                leased.extend((!record.elsewhere).then_some(own));
            }
        }
    }
    if config.is_some_and(|config| config.ipam == StaticIpam::NAME) {
        // It has none that was not asked for.
        record.config.address = record.address.map(|own| own.addr());
        record.config.address_ipv6 = record.address_ipv6.map(|own| own.addr());
    }
    if config.is_some_and(|config| is_dockers(config, record.config.name.as_str())) {
        record.config.labels.insert(DOCKERS.0.to_owned(), DOCKERS.1.to_owned());
    }
    match record.insert(tx) {
        // A namespace that is mounted twice, or one that says it has what another has.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            log::warn!("rebuilding the store: {error}");
            return Ok(false);
        }
        result => result?,
    }
    leased.into_iter().try_for_each(|own| leases::hold(tx, own.trunc(), own.addr())).map(|()| true)
}

//! What a setup has made, as data that another process can take down.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::NetworkSetup;
use crate::error::Result;
use crate::libcontainer::alias::Home;
use crate::libcontainer::container::Container;
use crate::libcontainer::json;
use crate::libcontainer::up::{Brought, Up};
use crate::link::{InterfaceName, RouteSpec};
use crate::sys::NamespaceId;

/// What [`NetworkSetup::up`] made of a container's network: what there is to take down.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct SetupState {
    /// The container's id, if the setup had one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The container's network namespace; none when the config had nothing for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<SetupNamespace>,
    /// The networks, in the order of the config.
    pub networks: Vec<SetupNetwork>,
    /// Routes through interfaces that the setup did not bring. The others go with theirs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<RouteSpec>,
}

/// A network namespace, told from a later one that has its number or its path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SetupNamespace {
    /// Its file.
    pub path: PathBuf,
    /// The number of its file's device.
    pub device: u64,
    /// The number of its file.
    pub inode: u64,
    /// What no other namespace of this boot has (`SO_NETNS_COOKIE`), from Linux 5.14 on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie: Option<u64>,
}

/// A network that is up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SetupNetwork {
    /// The strategy's type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The interface inside, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<InterfaceName>,
    /// The link in the host that is to be taken away. With it goes its other end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_link: Option<SetupLink>,
}

/// A link in the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SetupLink {
    /// Its name.
    pub name: InterfaceName,
    /// Its `ifindex`.
    pub index: u32,
    /// Its alias, by which it is known: whose it is, and which namespace it leads to. None of a link that
    /// a strategy made, and of one whose maker died before it had any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
}

impl SetupState {
    /// Reads what [`SetupState::to_json`] wrote.
    ///
    /// # Errors
    /// BadRequest, with line and column.
    pub fn from_json(json: &str) -> Result<Self> {
        json::from_json("of a setup's state", json)
    }

    /// The state as JSON.
    ///
    /// # Errors
    /// None is known.
    pub fn to_json(&self) -> Result<String> {
        json::to_json("of a setup's state", self)
    }

    pub(super) fn of(setup: &NetworkSetup, container: &Container, up: &Up) -> Self {
        let Home { id: NamespaceId { device, inode }, cookie } = container.home();
        let namespace = SetupNamespace { path: container.path(), device, inode, cookie };
        let brought_inside: BTreeSet<_> = up.networks.iter().filter_map(inner_name).collect();
        let is_foreign = |spec: &&RouteSpec| !brought_inside.contains(&spec.link.name);
        let routes = up.routes().filter(is_foreign).cloned().collect();
        let of = |(wanted, brought): (&crate::libcontainer::wanted::Wanted, &Brought)| SetupNetwork {
            kind: wanted.kind().to_owned(),
            name: inner_name(brought),
            host_link: host_link(brought),
        };
        let networks = setup.wanted.iter().zip(&up.networks).map(of).collect();
        Self { id: setup.id.clone(), namespace: Some(namespace), networks, routes }
    }
}

fn inner_name(brought: &Brought) -> Option<InterfaceName> {
    match brought {
        Brought::Loopback => InterfaceName::new("lo").ok(),
        Brought::Pair(_, name) => Some(name.clone()),
        Brought::Strategy(..) => None,
    }
}

fn host_link(brought: &Brought) -> Option<SetupLink> {
    match brought {
        Brought::Loopback | Brought::Strategy(_, None) => None,
        Brought::Pair(end, _) => {
            Some(SetupLink { name: end.name.clone(), index: end.index, alias: Some(end.alias.clone()) })
        }
        Brought::Strategy(_, Some(link)) => {
            Some(SetupLink { name: link.name.clone(), index: link.index?, alias: None })
        }
    }
}

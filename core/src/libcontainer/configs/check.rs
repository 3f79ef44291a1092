//! What of a config cannot be right, whatever the host is like.

use std::collections::BTreeSet;

use super::{Config, HookName, Hooks, NamespaceType, Namespaces, Network, Route};
use crate::error::{Error, Result};

impl Config {
    /// Finds what cannot be right in namespaces, networks, routes and hooks, and touches nothing. It does not ask
    /// whether there is a strategy for a network's type.
    ///
    /// # Errors
    /// BadRequest, with the place in the config and the rule that it breaks: networks or routes without a
    /// `NEWNET`, one type of namespace twice, a path that is not absolute, two networks that name one interface,
    /// and those of [`Network::parsed`], [`Route::parsed`] and [`Command::check`](super::Command::check).
    pub fn check(&self) -> Result<()> {
        check_namespaces(&self.namespaces)?;
        let has_none = self.networks.is_empty() && self.routes.is_empty();
        if !has_none && !self.namespaces.contains(NamespaceType::NewNet) {
            let cause = "there is no namespace NEWNET, and they are not for the host";
            return Err(Error::bad_request("use networks and routes", "of a config", cause));
        }
        check_networks(&self.networks)?;
        check_routes(&self.routes)?;
        check_hooks(&self.hooks)
    }
}

fn check_namespaces(namespaces: &Namespaces) -> Result<()> {
    let mut types = BTreeSet::new();
    for namespace in namespaces {
        let refuse = |cause: &str| {
            Err(Error::bad_request("use namespace", format!("{} of a config", namespace.kind), cause))
        };
        if !types.insert(namespace.kind) {
            return refuse("it is there twice");
        }
        let path = &namespace.path;
        if !path.is_empty() && !path.starts_with('/') || path.contains('\0') {
            return refuse(&format!("its path {path:?} is not absolute, or has a NUL"));
        }
    }
    Ok(())
}

fn check_networks(networks: &[Network]) -> Result<()> {
    let (mut inside, mut outside) = (BTreeSet::new(), BTreeSet::new());
    for (number, network) in networks.iter().enumerate() {
        let parsed =
            network.parsed().map_err(|error| error.within("use", format_args!("networks[{number}]")))?;
        for (name, names) in [(parsed.name, &mut inside), (parsed.host_interface_name, &mut outside)] {
            let Some(name) = name else { continue };
            if names.contains(&name) {
                let cause = "another network has an interface of that name there";
                let error = Error::bad_request("use interface name", name.as_str(), cause);
                return Err(error.within("use", format_args!("networks[{number}]")));
            }
            names.insert(name);
        }
    }
    Ok(())
}

fn check_routes(routes: &[Route]) -> Result<()> {
    let check = |(number, route): (usize, &Route)| {
        let parsed = route.parsed().map(drop);
        parsed.map_err(|error| error.within("use", format_args!("routes[{number}]")))
    };
    routes.iter().enumerate().try_for_each(check)
}

fn check_hooks(hooks: &Hooks) -> Result<()> {
    for name in HookName::ALL {
        for (number, hook) in hooks.get(name).iter().enumerate() {
            let Some(command) = hook.command() else { continue };
            command.check().map_err(|error| error.within("use", format_args!("Hooks.{name}[{number}]")))?;
        }
    }
    Ok(())
}

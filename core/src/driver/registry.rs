//! Which driver manages which type of network.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::{Capability, Driver};
use crate::error::{Error, ErrorKind, Result};
use crate::name::Name;

/// Where drivers make themselves known (seed `004`, `DriverCallback`).
pub trait DriverCallback {
    /// Associates `driver` with the network type `network_type` (seed `004`, `RegisterDriver`).
    ///
    /// # Errors
    /// Forbidden when the type has a driver (seed `004`, `ErrActiveRegistration`).
    fn register_driver(
        &self,
        network_type: &str,
        driver: Arc<dyn Driver>,
        capability: Capability,
    ) -> Result<()>;
}

/// The drivers by type, for many threads.
#[derive(Default)]
pub struct Registry {
    drivers: RwLock<BTreeMap<String, Registered>>,
}

type Registered = (Arc<dyn Driver>, Capability);

impl DriverCallback for Registry {
    fn register_driver(
        &self,
        network_type: &str,
        driver: Arc<dyn Driver>,
        capability: Capability,
    ) -> Result<()> {
        let within = |error: Error| error.within("register driver", format_args!("{network_type:?}"));
        Name::new(network_type).map_err(within)?;
        let mut drivers = self.drivers.write().unwrap_or_else(PoisonError::into_inner);
        if drivers.contains_key(network_type) {
            return Err(Error::new(ErrorKind::Forbidden, "register driver", format!("{network_type:?}"))
                .with_cause("a driver is registered for that type already"));
        }
        drivers.insert(network_type.to_owned(), (driver, capability));
        Ok(())
    }
}

impl Registry {
    /// The driver of `network_type` and what it can do.
    ///
    /// # Errors
    /// NotFound, with the types that have one.
    pub fn driver(&self, network_type: &str) -> Result<(Arc<dyn Driver>, Capability)> {
        let drivers = self.drivers.read().unwrap_or_else(PoisonError::into_inner);
        drivers.get(network_type).cloned().ok_or_else(|| unknown(network_type, drivers.keys()))
    }

    /// The types that have a driver, sorted.
    pub fn types(&self) -> Vec<String> {
        self.drivers.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }
}

/// The error of a type without a driver.
pub(crate) fn unknown<'a>(network_type: &str, known: impl Iterator<Item = &'a String>) -> Error {
    let known: Vec<_> = known.map(String::as_str).collect();
    Error::new(ErrorKind::NotFound, "find network type", format!("{network_type:?}"))
        .with_cause(format!("the known types are {}", known.join(", ")))
}

//! A driver's callbacks as the library knows drivers.

use std::collections::BTreeMap;
use std::mem;

use netns::driver::{
    DiscoveryType, Driver, EventType, InterfaceInfo, IpamData, JoinInfo, NetworkInfo, Options,
};
use netns::plan::Plan;
use netns::{Error, Result};
use serde_json::Value;

use super::arguments::{self, json};
use super::info::{netns_driver_info, netns_driver_interface};
use super::join::netns_join;
use super::reply::netns_driver_reply;
use super::table::{netns_driver, netns_table_event};
use crate::arena::Arena;
use crate::boundary::required;
use crate::callback::{fallible, planning};
use crate::log::User;

/// A driver that is written in C.
pub(super) struct Foreign {
    network_type: String,
    table: netns_driver,
    user: User,
}

// SAFETY: the header says that callbacks come from any thread, several at once.
unsafe impl Send for Foreign {}
// SAFETY: the same.
unsafe impl Sync for Foreign {}

impl Foreign {
    /// One whose table was checked.
    pub(super) fn new(network_type: &str, table: netns_driver) -> Self {
        let user = User::new(table.user, table.release);
        Self { network_type: network_type.to_owned(), table, user }
    }

    /// Ends it without telling the caller.
    pub(super) fn hand_back(self) {
        self.user.hand_back();
    }

    /// A callback that the driver can do without.
    fn offered<T>(&self, callback: Option<T>, operation: &str, subject: &str) -> Result<T> {
        callback.ok_or_else(|| self.not_implemented(operation, subject))
    }
}

fn of(endpoint: &str, network: &str) -> String {
    format!("{endpoint} of network {network}")
}

impl Driver for Foreign {
    fn network_type(&self) -> &str {
        &self.network_type
    }

    fn network_allocate(
        &self,
        network: &str,
        options: &BTreeMap<String, String>,
        ipv4: &[IpamData],
        ipv6: &[IpamData],
    ) -> Result<BTreeMap<String, String>> {
        const OPERATION: &str = "allocate network";
        let callback = self.offered(self.table.network_allocate, OPERATION, network)?;
        let mut arena = Arena::default();
        let options = options.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str())));
        let about = arguments::whole_network(&mut arena, network, options.collect(), ipv4, ipv6);
        let mut reply = netns_driver_reply::default();
        let at = &raw mut reply;
        fallible(OPERATION, network, |ret_error| {
            // SAFETY: a callback by the header's rules, with arguments that last until it returns.
            unsafe { callback(self.user.pointer(), &raw const about, at, ret_error) }
        })?;
        let text = |(key, value)| match value {
            Value::String(value) => Ok((key, value)),
            other => {
                let cause = format!("{key} is {other}: the driver may answer with strings alone");
                Err(Error::bad_request(OPERATION, network, cause))
            }
        };
        reply.into_options().into_iter().map(text).collect()
    }

    fn network_free(&self, network: &str) -> Result<()> {
        const OPERATION: &str = "free network";
        let callback = self.offered(self.table.network_free, OPERATION, network)?;
        let mut arena = Arena::default();
        let about = arguments::network(&mut arena, network);
        fallible(OPERATION, network, |ret_error| {
            // SAFETY: a callback by the header's rules, with arguments that last until it returns.
            unsafe { callback(self.user.pointer(), &raw const about, ret_error) }
        })
    }

    fn create_network(
        &self,
        network: &str,
        options: &Options,
        info: &mut NetworkInfo,
        ipv4: &[IpamData],
        ipv6: &[IpamData],
    ) -> Result<Plan> {
        let callback = required(self.table.create_network, "create_network")?;
        let mut arena = Arena::default();
        let options = Value::Object(options.clone());
        let about = arguments::whole_network(&mut arena, network, options, ipv4, ipv6);
        let mut asked = netns_driver_info { info: mem::take(info) };
        let at = &raw mut asked;
        let plan = planning("create network", network, |ret_plan, ret_error| {
            // SAFETY: a callback by the header's rules, with arguments that last until it returns.
            unsafe { callback(self.user.pointer(), &raw const about, at, ret_plan, ret_error) }
        });
        *info = asked.info;
        plan
    }

    fn delete_network(&self, network: &str) -> Result<Plan> {
        let callback = required(self.table.delete_network, "delete_network")?;
        let mut arena = Arena::default();
        let about = arguments::network(&mut arena, network);
        planning("delete network", network, |ret_plan, ret_error| {
            // SAFETY: a callback by the header's rules, with arguments that last until it returns.
            unsafe { callback(self.user.pointer(), &raw const about, ret_plan, ret_error) }
        })
    }

    fn create_endpoint(
        &self,
        network: &str,
        endpoint: &str,
        interface: &mut InterfaceInfo,
        options: &Options,
    ) -> Result<Plan> {
        let callback = required(self.table.create_endpoint, "create_endpoint")?;
        let mut arena = Arena::default();
        let mut about = arguments::endpoint(&mut arena, network, endpoint);
        about.options = json(&mut arena, &Value::Object(options.clone()));
        let mut asked = netns_driver_interface::new(mem::take(interface));
        let at = &raw mut asked;
        let plan = planning("create endpoint", &of(endpoint, network), |ret_plan, ret_error| {
            // SAFETY: a callback by the header's rules, with arguments that last until it returns.
            unsafe { callback(self.user.pointer(), &raw const about, at, ret_plan, ret_error) }
        });
        *interface = asked.into_info();
        plan
    }

    fn delete_endpoint(&self, network: &str, endpoint: &str) -> Result<Plan> {
        let callback = required(self.table.delete_endpoint, "delete_endpoint")?;
        let mut arena = Arena::default();
        let about = arguments::endpoint(&mut arena, network, endpoint);
        planning("delete endpoint", &of(endpoint, network), |ret_plan, ret_error| {
            // SAFETY: a callback by the header's rules, with arguments that last until it returns.
            unsafe { callback(self.user.pointer(), &raw const about, ret_plan, ret_error) }
        })
    }

    fn endpoint_oper_info(&self, network: &str, endpoint: &str) -> Result<Options> {
        const OPERATION: &str = "describe endpoint";
        let subject = of(endpoint, network);
        let callback = self.offered(self.table.endpoint_oper_info, OPERATION, &subject)?;
        let mut arena = Arena::default();
        let about = arguments::endpoint(&mut arena, network, endpoint);
        let mut reply = netns_driver_reply::default();
        let at = &raw mut reply;
        fallible(OPERATION, &subject, |ret_error| {
            // SAFETY: a callback by the header's rules, with arguments that last until it returns.
            unsafe { callback(self.user.pointer(), &raw const about, at, ret_error) }
        })?;
        Ok(reply.into_options())
    }

    fn join(
        &self,
        network: &str,
        endpoint: &str,
        sandbox_key: &str,
        join: &mut JoinInfo,
        options: &Options,
    ) -> Result<()> {
        let callback = required(self.table.join, "join")?;
        let mut arena = Arena::default();
        let mut about = arguments::endpoint(&mut arena, network, endpoint);
        about.sandbox_key = arena.text(sandbox_key);
        about.options = json(&mut arena, &Value::Object(options.clone()));
        let mut asked = netns_join::new(mem::take(join));
        let at = &raw mut asked;
        fallible("join endpoint", &of(endpoint, network), |ret_error| {
            // SAFETY: a callback by the header's rules, with arguments that last until it returns.
            unsafe { callback(self.user.pointer(), &raw const about, at, ret_error) }
        })?;
        *join = asked.into_info();
        Ok(())
    }

    fn leave(&self, network: &str, endpoint: &str) -> Result<Plan> {
        let callback = required(self.table.leave, "leave")?;
        let mut arena = Arena::default();
        let about = arguments::endpoint(&mut arena, network, endpoint);
        planning("leave with endpoint", &of(endpoint, network), |ret_plan, ret_error| {
            // SAFETY: a callback by the header's rules, with arguments that last until it returns.
            unsafe { callback(self.user.pointer(), &raw const about, ret_plan, ret_error) }
        })
    }

    fn program_external_connectivity(
        &self,
        network: &str,
        endpoint: &str,
        options: &Options,
    ) -> Result<Plan> {
        const OPERATION: &str = "program external connectivity of";
        let callback = self.offered(self.table.program_external_connectivity, OPERATION, endpoint)?;
        let mut arena = Arena::default();
        let mut about = arguments::endpoint(&mut arena, network, endpoint);
        about.options = json(&mut arena, &Value::Object(options.clone()));
        planning(OPERATION, &of(endpoint, network), |ret_plan, ret_error| {
            // SAFETY: a callback by the header's rules, with arguments that last until it returns.
            unsafe { callback(self.user.pointer(), &raw const about, ret_plan, ret_error) }
        })
    }

    fn revoke_external_connectivity(&self, network: &str, endpoint: &str) -> Result<Plan> {
        const OPERATION: &str = "revoke external connectivity of";
        let callback = self.offered(self.table.revoke_external_connectivity, OPERATION, endpoint)?;
        let mut arena = Arena::default();
        let about = arguments::endpoint(&mut arena, network, endpoint);
        planning(OPERATION, &of(endpoint, network), |ret_plan, ret_error| {
            // SAFETY: a callback by the header's rules, with arguments that last until it returns.
            unsafe { callback(self.user.pointer(), &raw const about, ret_plan, ret_error) }
        })
    }

    fn event_notify(&self, event: EventType, network: &str, table: &str, key: &str, value: &[u8]) {
        let Some(callback) = self.table.event_notify else { return };
        let mut arena = Arena::default();
        let [network, table, key] = [network, table, key].map(|text| arena.text(text));
        let event = match event {
            EventType::Create => netns_table_event::Create,
            EventType::Update => netns_table_event::Update,
            EventType::Delete => netns_table_event::Delete,
        };
        let (user, event) = (self.user.pointer(), event as i32);
        // SAFETY: a callback by the header's rules, with arguments that last until it returns.
        unsafe { callback(user, event, network, table, key, value.as_ptr(), value.len()) };
    }

    fn discover_new(&self, discovery: DiscoveryType, data: &Value) -> Result<()> {
        const OPERATION: &str = "discover";
        let subject = discovery.to_string();
        let callback = self.offered(self.table.discover_new, OPERATION, &subject)?;
        let mut arena = Arena::default();
        let data = json(&mut arena, data);
        fallible(OPERATION, &subject, |ret_error| {
            // SAFETY: a callback by the header's rules, with arguments that last until it returns.
            unsafe { callback(self.user.pointer(), discovery as i32, data, ret_error) }
        })
    }

    fn discover_delete(&self, discovery: DiscoveryType, data: &Value) -> Result<()> {
        const OPERATION: &str = "discover the loss of";
        let subject = discovery.to_string();
        let callback = self.offered(self.table.discover_delete, OPERATION, &subject)?;
        let mut arena = Arena::default();
        let data = json(&mut arena, data);
        fallible(OPERATION, &subject, |ret_error| {
            // SAFETY: a callback by the header's rules, with arguments that last until it returns.
            unsafe { callback(self.user.pointer(), discovery as i32, data, ret_error) }
        })
    }
}

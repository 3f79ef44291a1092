//! Links of the calling thread's namespace, changed one by one.

use std::fmt::Display;
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::str::FromStr;

use netns::ipnet::IpNet;
use netns::libcontainer as core;
use netns::{Error, InterfaceName, Mtu, Result};
use pyo3::prelude::*;

use crate::boundary::{detached, Text};
use crate::namespace::of_descriptor;

#[pyfunction]
pub(crate) fn change_interface_name(py: Python<'_>, old: Text<'_>, new: Text<'_>) -> PyResult<()> {
    detached(py, || core::change_interface_name(&InterfaceName::new(&old)?, &InterfaceName::new(&new)?))
}

#[pyfunction]
pub(crate) fn create_veth_pair(py: Python<'_>, name1: Text<'_>, name2: Text<'_>) -> PyResult<()> {
    detached(py, || core::create_veth_pair(&InterfaceName::new(&name1)?, &InterfaceName::new(&name2)?))
}

#[pyfunction]
pub(crate) fn interface_up(py: Python<'_>, name: Text<'_>) -> PyResult<()> {
    detached(py, || core::interface_up(&InterfaceName::new(&name)?))
}

#[pyfunction]
pub(crate) fn interface_down(py: Python<'_>, name: Text<'_>) -> PyResult<()> {
    detached(py, || core::interface_down(&InterfaceName::new(&name)?))
}

#[pyfunction]
pub(crate) fn set_default_gateway(py: Python<'_>, gateway: Text<'_>, interface: Text<'_>) -> PyResult<()> {
    detached(py, || {
        let gateway: IpAddr = parse("gateway", &gateway, "an IP address without a zone")?;
        core::set_default_gateway(gateway, &InterfaceName::new(&interface)?)
    })
}

#[pyfunction]
pub(crate) fn set_interface_ip(py: Python<'_>, name: Text<'_>, address: Text<'_>) -> PyResult<()> {
    detached(py, || {
        let what = "an IP address with the length of its prefix, such as 10.1.0.2/16";
        let address: IpNet = parse("address", &address, what)?;
        core::set_interface_ip(&InterfaceName::new(&name)?, address)
    })
}

#[pyfunction]
pub(crate) fn set_interface_master(py: Python<'_>, name: Text<'_>, master: Text<'_>) -> PyResult<()> {
    detached(py, || core::set_interface_master(&InterfaceName::new(&name)?, &InterfaceName::new(&master)?))
}

#[pyfunction]
pub(crate) fn set_mtu(py: Python<'_>, name: Text<'_>, mtu: u32) -> PyResult<()> {
    detached(py, || core::set_mtu(&InterfaceName::new(&name)?, Mtu::new(mtu)?))
}

#[pyfunction]
pub(crate) fn set_interface_in_namespace_fd(py: Python<'_>, name: Text<'_>, fd: u32) -> PyResult<()> {
    detached(py, || {
        let name = InterfaceName::new(&name)?;
        core::set_interface_in_namespace_fd(&name, of_descriptor(fd)?.as_fd())
    })
}

#[pyfunction]
pub(crate) fn set_interface_in_namespace_pid(py: Python<'_>, name: Text<'_>, pid: u32) -> PyResult<()> {
    detached(py, || core::set_interface_in_namespace_pid(&InterfaceName::new(&name)?, pid))
}

fn parse<T: FromStr<Err: Display>>(what: &str, text: &str, is: &str) -> Result<T> {
    let refuse =
        |_| Error::bad_request(format!("use {what}"), format!("{text:?}"), format!("it is not {is}"));
    text.parse().map_err(refuse)
}

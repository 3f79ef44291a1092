use std::process::Command;

use serde_json::Value;

use super::Place;

/// Sees that the container is as it should be: an interface that is up with the address, and the default route.
///
/// # Errors
/// What is wrong.
pub fn check(place: &Place) -> Result<(), String> {
    let links = inside(place, &["-4", "address"])?;
    let has = |link: &Value| {
        link["addr_info"].as_array().is_some_and(|all| all.iter().any(|own| is_own(own, place)))
    };
    let link = links.as_array().and_then(|links| links.iter().find(|link| has(link)));
    let link = link.ok_or_else(|| format!("no interface has {}: {links}", place.address))?;
    if !link["flags"].as_array().is_some_and(|flags| flags.iter().any(|flag| flag == "UP")) {
        return Err(format!("the interface is down: {link}"));
    }
    let routes = inside(place, &["-4", "route", "show", "default"])?;
    match routes[0]["gateway"].as_str() == Some(&place.gateway.to_string()) {
        true => Ok(()),
        false => Err(format!("the default route does not lead to {}: {routes}", place.gateway)),
    }
}

/// Sees that nothing has that address any more.
///
/// # Errors
/// What is left.
pub fn check_gone(place: &Place) -> Result<(), String> {
    let links = inside(place, &["-4", "address"])?;
    let has = |link: &Value| {
        link["addr_info"].as_array().is_some_and(|all| all.iter().any(|own| is_own(own, place)))
    };
    match links.as_array().is_some_and(|links| links.iter().any(has)) {
        true => Err(format!("{} is left: {links}", place.address)),
        false => Ok(()),
    }
}

fn is_own(own: &Value, place: &Place) -> bool {
    own["local"] == place.address.addr().to_string() && own["prefixlen"] == place.address.prefix_len()
}

fn inside(place: &Place, arguments: &[&str]) -> Result<Value, String> {
    let mut command = Command::new("nsenter");
    command.arg(format!("--net={}", place.path())).args(["ip", "-j"]).args(arguments);
    let text = testhost::output(&mut command)?;
    match text.is_empty() {
        true => Ok(Value::Array(Vec::new())),
        false => serde_json::from_str(&text).map_err(|error| format!("ip: {error}: {text}")),
    }
}

//! The plugin server, asked as Docker asks it: HTTP on its socket, and devices moved as Docker moves them.

mod child;
mod common;
mod control;

#[path = "docker_plugin/dockerd.rs"]
mod dockerd;
#[path = "docker_plugin/endpoints.rs"]
mod endpoints;
#[path = "docker_plugin/http.rs"]
mod http;
#[path = "docker_plugin/killed.rs"]
mod killed;
#[path = "docker_plugin/kinds.rs"]
mod kinds;
#[path = "docker_plugin/lost.rs"]
mod lost;
#[path = "docker_plugin/many.rs"]
mod many;
#[path = "docker_plugin/networks.rs"]
mod networks;
#[path = "docker_plugin/pools.rs"]
mod pools;
#[path = "docker_plugin/ports.rs"]
mod ports;
#[path = "docker_plugin/socket.rs"]
mod socket;
#[path = "docker_plugin/wire.rs"]
mod wire;

/// What is said of a port of `web` where there is no firewall.
fn ports_of_web(plugin: &wire::Plugin) -> String {
    let mut request = dockerd::of("blue", "web");
    let binding = serde_json::json!([{ "Proto": 6, "Port": 80, "HostPort": 8080, "HostPortEnd": 8080 }]);
    request["Options"] = serde_json::json!({ "com.docker.network.portmap": binding });
    plugin.bad("NetworkDriver.ProgramExternalConnectivity", &request, &[])
}

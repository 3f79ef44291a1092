"""A plugin of Docker's protocol, for tests: good by default, and slow, wrong, dead or hostile as a file says.

usage: plugin.py DIRECTORY ADDRESS [CERTIFICATE KEY [CLIENT-CA]]

ADDRESS is the path of a unix socket, or a port of 127.0.0.1. DIRECTORY/control is {METHOD: MODE}, read at each
request; each request is a line of JSON in DIRECTORY/log, written before it is answered.
"""

import http.server
import json
import os
import socketserver
import ssl
import subprocess
import sys
import threading
import time

DIRECTORY, ADDRESS, *TLS = sys.argv[1:]
LOCK = threading.Lock()
STATE = {"networks": {}, "endpoints": {}, "pools": {}, "taken": {}}


def control():
    try:
        with open(f"{DIRECTORY}/control") as file:
            return json.load(file)
    except (FileNotFoundError, ValueError):
        return {}


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


class Refused(Exception):
    pass


def known(key, name):
    if name not in STATE[key]:
        raise Refused(f"there is no such one of {key}: {name}")
    return STATE[key][name]


def create_network(body):
    if body["NetworkID"] in STATE["networks"]:
        raise Refused("network exists already")
    STATE["networks"][body["NetworkID"]] = body


def delete_network(body):
    known("networks", body["NetworkID"])
    del STATE["networks"][body["NetworkID"]]


def create_endpoint(body):
    known("networks", body["NetworkID"])
    STATE["endpoints"][body["EndpointID"]] = body
    own = {} if body["Interface"].get("MacAddress") else {"MacAddress": "02:11:22:33:44:55"}
    return {"Interface": own}


def delete_endpoint(body):
    known("endpoints", body["EndpointID"])
    del STATE["endpoints"][body["EndpointID"]]
    subprocess.run(["ip", "link", "delete", f"o-{body['EndpointID']}"], capture_output=True)


def join(body):
    known("endpoints", body["EndpointID"])
    network = known("networks", body["NetworkID"])
    outer, inner = f"o-{body['EndpointID']}", f"i-{body['EndpointID']}"
    if subprocess.run(["ip", "link", "show", outer], capture_output=True).returncode:
        ip("link", "add", outer, "type", "veth", "peer", "name", inner)
    answer = {"InterfaceName": {"SrcName": inner, "DstPrefix": "wire"}}
    for data, key in ((network["IPv4Data"], "Gateway"), (network["IPv6Data"], "GatewayIPv6")):
        gateway = data and data[0].get("Gateway")
        if gateway:
            ip("address", "replace", gateway, "dev", outer, "nodad")
            answer[key] = gateway.split("/")[0]
    ip("link", "set", outer, "up")
    return answer


def leave(body):
    known("endpoints", body["EndpointID"])


def request_pool(body):
    pool = body["Pool"] or ("fd77::/64" if body["V6"] else "10.77.0.0/24")
    name = f"pool of {body['AddressSpace']}: {pool}"
    STATE["pools"][name] = pool
    return {"PoolID": name, "Pool": pool, "Data": {"from": "plugin"}}


def release_pool(body):
    known("pools", body["PoolID"])
    if STATE["taken"].pop(body["PoolID"], None):
        raise Refused("the pool is in use")
    del STATE["pools"][body["PoolID"]]


def request_address(body):
    network, length = known("pools", body["PoolID"]).split("/")
    base = network if ":" in network else network.rsplit(".", 1)[0] + "."
    taken = STATE["taken"].setdefault(body["PoolID"], [])
    if body["Address"]:
        address = body["Address"]
    elif body["Options"].get("RequestAddressType") == "com.docker.network.gateway":
        address = f"{base}1"
    else:
        address = next(f"{base}{number}" for number in range(5, 99) if f"{base}{number}" not in taken)
    if address in taken:
        raise Refused(f"{address} is taken")
    taken.append(address)
    return {"Address": f"{address}/{length}"}


def release_address(body):
    taken = STATE["taken"].get(body["PoolID"], [])
    if body["Address"] not in taken:
        raise Refused(f"{body['Address']} is nobody's")
    taken.remove(body["Address"])


GOOD = {
    "Plugin.Activate": lambda _: {"Implements": ["NetworkDriver", "IpamDriver"]},
    "NetworkDriver.GetCapabilities": lambda _: {"Scope": "local", "ConnectivityScope": "local"},
    "NetworkDriver.CreateNetwork": create_network,
    "NetworkDriver.DeleteNetwork": delete_network,
    "NetworkDriver.CreateEndpoint": create_endpoint,
    "NetworkDriver.DeleteEndpoint": delete_endpoint,
    "NetworkDriver.EndpointOperInfo": lambda body: {"Value": {"of": body["EndpointID"]}},
    "NetworkDriver.Join": join,
    "NetworkDriver.Leave": leave,
    "NetworkDriver.ProgramExternalConnectivity": lambda _: {},
    "NetworkDriver.RevokeExternalConnectivity": lambda _: {},
    "NetworkDriver.DiscoverNew": lambda _: {},
    "NetworkDriver.DiscoverDelete": lambda _: {},
    "NetworkDriver.AllocateNetwork": lambda _: {"Options": {"vni": "42"}},
    "NetworkDriver.FreeNetwork": lambda _: {},
    "NetworkDriver.GwAllocCheck": lambda _: {"SkipIPv4": True},
    "IpamDriver.GetCapabilities": lambda _: {},
    "IpamDriver.GetDefaultAddressSpaces": lambda _: {"LocalDefaultAddressSpace": "here", "GlobalDefaultAddressSpace": ""},
    "IpamDriver.RequestPool": request_pool,
    "IpamDriver.ReleasePool": release_pool,
    "IpamDriver.RequestAddress": request_address,
    "IpamDriver.ReleaseAddress": release_address,
}


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def setup(self):
        if TLS:
            self.request.do_handshake()
        super().setup()

    def do_POST(self):
        method = self.path[1:]
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.loads(text) if text else None
        with LOCK, open(f"{DIRECTORY}/log", "a") as log:
            headers = {key.lower(): value for key, value in self.headers.items()}
            log.write(json.dumps({"method": method, "body": body, "headers": headers}) + "\n")
        self.answer(method, body, control().get(method, "good"))

    def answer(self, method, body, mode):
        error = "Error" if method.startswith("IpamDriver") else "Err"
        if isinstance(mode, dict):
            return self.send(200, json.dumps(mode).encode())
        if mode == "hang":
            while control().get(method) == "hang":
                time.sleep(0.01)
            mode = "good"
        if mode == "good" or mode == "case":
            status, answer = self.good(method, body, error)
            text = json.dumps(answer)
            if mode == "case":
                text = text.replace('"SrcName"', '"SRCNAME"').replace('"InterfaceName"', '"interfacename"')
                text = text.replace('"MacAddress"', '"macaddress"').replace('"Scope"', '"scope"')
                text = text.replace('"PoolID"', '"poolid"').replace('"Address"', '"ADDRESS"')
            return self.send(status, text.encode())
        if mode == "late":  # does it, and says nothing
            self.good(method, body, error)
            while control().get(method) == "late":
                time.sleep(0.01)
            return None
        plain = {
            "refuse": (200, json.dumps({error: "the plugin\x1b[31m says no"}).encode()),
            "500 json": (500, json.dumps({error: "the plugin is unwell"}).encode()),
            "500 text": (500, b"the plugin is unwell"),
            "404": (404, b"404 page not found"),
            "malformed": (200, b'{"Interface":'),
            "list": (200, b"[]"),
            "empty": (200, b""),
            "null": (200, b"null"),
            "huge": (200, json.dumps({"Value": {"x": "y" * (1 << 20)}}).encode()),
        }
        if mode in plain:
            return self.send(*plain[mode])
        self.close_connection = True
        if mode == "die":
            os._exit(1)
        if mode == "drop":
            return None
        if mode == "cut":
            return self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        if mode == "no http":
            return self.wfile.write(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
        if mode == "redirect":
            return self.wfile.write(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
        begun = b"HTTP/1.1 200 OK\r\n"
        drops = {"endless": begun + b"\r\n", "drip": b"", "headers": begun}
        drops["slow body"] = begun + b"Content-Length: 100000\r\n\r\n"
        chunk = {"endless": b" " * 65536, "drip": b"HTTP/1.1"[:1], "headers": b"X: y\r\n", "slow body": b" "}[mode]
        self.wfile.write(drops[mode])
        while control().get(method) == mode:
            self.wfile.write(chunk)
            time.sleep(0 if mode == "endless" else 0.01)
        return None

    def good(self, method, body, error):
        if method not in GOOD:
            return 404, {}
        with LOCK:
            try:
                return 200, GOOD[method](body) or {}
            except Refused as refused:
                return 200, {error: str(refused)}

    def send(self, status, text):
        self.send_response(status)
        self.send_header("Content-Type", "application/vnd.docker.plugins.v1.2+json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


class Unix(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):
        pass


class Tcp(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


if ADDRESS.isdecimal():
    server = Tcp(("127.0.0.1", int(ADDRESS)), Handler)
    if TLS:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(TLS[0], TLS[1])
        if len(TLS) > 2:
            context.load_verify_locations(TLS[2])
            context.verify_mode = ssl.CERT_REQUIRED
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
else:
    if os.path.exists(ADDRESS):
        os.unlink(ADDRESS)
    server = Unix(ADDRESS, Handler)
print("ready", flush=True)
server.serve_forever()

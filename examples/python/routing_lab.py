"""Three hosts, client, router and server, and a page that the client fetches from the server by way of the router.

Run it as root, or by scripts/as-root. It needs nothing of the machine's network and leaves nothing.
"""

import http.server
import threading
import urllib.request

import netns


class Page(http.server.BaseHTTPRequestHandler):
    """Says who asked."""

    def do_GET(self) -> None:
        body = f"hello {self.client_address[0]}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Keeps what is printed to what the client gets."""


def main() -> None:
    lab = netns.Topology(
        hosts={"client": {"gateway": "router"}, "server": {"gateway": "router"}},
        networks={
            "homes": {"hosts": ["router", "client"], "subnet": "192.0.2.0/24"},
            "office": {"hosts": ["router", "server"], "subnet": "198.51.100.0/24", "mtu": 1400},
        },
    )
    with lab:
        address = str(lab.address("server"))
        with lab["server"].enter():  # a socket stays in the namespace in which it was opened
            server = http.server.ThreadingHTTPServer((address, 80), Page)
        threading.Thread(target=server.serve_forever).start()
        try:
            body = lab["client"].call(fetch, f"http://{address}/")
        finally:
            server.shutdown()
            server.server_close()
        print(body, end="")
        lab["client"].run(["ip", "route", "get", address], check=True)


def fetch(url: str) -> str:
    """The text that is there, without a proxy."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=10) as answer:
        return str(answer.read().decode())


if __name__ == "__main__":
    main()

// A driver in Go.
//
// A network of the type "wire" has no bridge. Each endpoint is a cable of its own between the host and a sandbox: a veth
// that is born with one end there, and a route of the host to the endpoint's address.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"

	"libnetns.dev/go/netns"
	"libnetns.dev/go/netns/discoverapi"
	"libnetns.dev/go/netns/driverapi"
	"libnetns.dev/go/netns/errdefs"
)

// hostMAC is that of each end in the host: each is a link of its own, so they may have the same address.
var hostMAC = net.HardwareAddr{2, 0, 0, 0, 0, 1}

// gateway is an address that nobody has: a neighbour that never has to be asked for leads to the host's end.
var gateway = net.IPv4(169, 254, 1, 1)

// wires decides and describes; what it describes the library carries out, or undoes.
type wires struct{ out io.Writer }

func (w *wires) Type() string { return "wire" }

func (w *wires) CreateNetwork(
	nid string, _ map[string]interface{}, _ driverapi.NetworkInfo, ipv4, ipv6 []driverapi.IPAMData,
) error {
	if len(ipv4) != 1 || len(ipv6) != 0 {
		return errdefs.New(errdefs.ErrBadRequest, "create wire network", nid, "a wire carries IPv4 alone")
	}
	return nil
}

func (w *wires) DeleteNetwork(string) error { return nil }

func (w *wires) CreateEndpoint(_, eid string, _ driverapi.InterfaceInfo, _ map[string]interface{}) error {
	if len(eid) > 10 {
		return errdefs.New(errdefs.ErrBadRequest, "plug in", eid, "it is too long for an interface's name")
	}
	return nil
}

// DeleteEndpoint has nothing to do: the library takes the end in the sandbox away, and the other end goes with it.
func (w *wires) DeleteEndpoint(string, string) error { return nil }

func (w *wires) Join(_, eid, _ string, info driverapi.JoinInfo, _ map[string]interface{}) error {
	if eid == "cut" {
		return errdefs.New(errdefs.ErrBusy, "plug in", eid, "the wire is cut")
	}
	join, ok := info.(driverapi.BirthInfo)
	if !ok {
		return &driverapi.ErrNotImplemented{}
	}
	name := "wire-" + eid
	link, err := json.Marshal(map[string]any{
		"name": name, "kind": map[string]any{"veth": map[string]any{"peer": map[string]any{}}},
		"mac": hostMAC.String(), "up": true, "queues": 1,
	})
	if err != nil {
		return err
	}
	after, err := route(name, join.Interface().Address().IP)
	if err != nil {
		return err
	}
	return errors.Join(
		join.InterfaceName().SetNames("peer-"+eid, "eth"),
		join.AddStaticRoute(&net.IPNet{IP: gateway, Mask: net.CIDRMask(32, 32)}, driverapi.Connected, nil),
		join.SetGateway(gateway),
		join.SetBirth(driverapi.Birth{
			Link: link, After: after, HostPrefix: true,
			Neighbours: []driverapi.Neighbour{{IP: gateway, MAC: hostMAC}},
		}),
	)
}

// route is a plan of a route of the host's through a link.
func route(link string, destination net.IP) (json.RawMessage, error) {
	add := map[string]any{
		"link": map[string]any{"name": link}, "destination": destination.String() + "/32", "gateway": nil, "replace": false,
	}
	step := map[string]any{"place": "host", "action": map[string]any{"add_route": add}}
	return json.Marshal(map[string]any{"steps": []any{step}})
}

func (w *wires) Leave(_, eid string) error {
	fmt.Fprintf(w.out, "endpoint %s leaves\n", eid)
	return nil
}

func (w *wires) EndpointOperInfo(_, eid string) (map[string]interface{}, error) {
	return map[string]interface{}{"wire": "wire-" + eid}, nil
}

// What is for other hosts, or for the outside, a wire does without.

func (w *wires) NetworkAllocate(
	string, map[string]string, []driverapi.IPAMData, []driverapi.IPAMData,
) (map[string]string, error) {
	return nil, &driverapi.ErrNotImplemented{}
}

func (w *wires) NetworkFree(string) error { return &driverapi.ErrNotImplemented{} }

func (w *wires) ProgramExternalConnectivity(string, string, map[string]interface{}) error {
	return &driverapi.ErrNotImplemented{}
}

func (w *wires) RevokeExternalConnectivity(string, string) error {
	return &driverapi.ErrNotImplemented{}
}

func (w *wires) EventNotify(driverapi.EventType, string, string, string, []byte) {}

func (w *wires) DiscoverNew(discoverapi.DiscoveryType, interface{}) error {
	return &driverapi.ErrNotImplemented{}
}

func (w *wires) DiscoverDelete(discoverapi.DiscoveryType, interface{}) error {
	return &driverapi.ErrNotImplemented{}
}

func main() {
	if err := run(os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// run makes a network of wires, connects a sandbox to it, and takes all of it away.
func run(out io.Writer) (err error) {
	controller, err := netns.Open(netns.Options{FromEnv: true})
	if err != nil {
		return err
	}
	defer controller.Close()
	if err := controller.RegisterDriver("wire", &wires{out}, driverapi.Capability{}); err != nil {
		return err
	}
	cables, err := controller.CreateNetwork(netns.NetworkConfig{Name: "cables", Type: "wire"})
	if err != nil {
		return err
	}
	defer cables.Close()
	defer func() { err = errors.Join(err, cables.Delete()) }()
	sandbox, err := controller.CreateSandbox("wired")
	if err != nil {
		return err
	}
	defer sandbox.Close()
	// Its endpoint goes with it.
	defer func() { err = errors.Join(err, sandbox.Destroy()) }()

	phone, err := cables.Connect(sandbox, netns.EndpointConfig{Name: "phone"})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s has %s with %s\n", sandbox.Name(), phone.Interface.Name, phone.Interface.Address)
	err = sandbox.Do(func() error {
		conn, err := net.DialUDP("udp", nil, &net.UDPAddr{IP: gateway, Port: 9})
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "it reaches the host from %s\n", conn.LocalAddr())
		return conn.Close()
	})
	if err != nil {
		return err
	}
	_, refused := cables.Connect(sandbox, netns.EndpointConfig{Name: "cut"})
	if !errors.Is(refused, errdefs.ErrBusy) {
		return fmt.Errorf("it should have been busy: %w", refused)
	}
	fmt.Fprintln(out, refused)
	return nil
}

package main

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	peer "github.com/vishvananda/netns"

	"libnetns.dev/go/netns"
)

// peers is a veth on a bridge with an address and a default route, in a namespace that is there: by a bridge network of
// ours, and by vishvananda/netlink as libnetwork did it, and born inside, as that can do it too.
func peers(pairs int) map[string]float64 {
	const device = "br-peers"
	network := must(netns.CreateBridge("peers", netns.BridgeOptions{
		Bridge: device, Gateway: netip.MustParsePrefix("10.77.0.1/16"),
	}))
	defer network.Close()
	bridge := must(netlink.LinkByName(device))
	var sandboxes []*netns.Sandbox
	number := 1 // used once: links of the other side go when the kernel gets to it
	sandbox := func() (*netns.Sandbox, string) {
		number++
		made := must(netns.CreateSandboxIn("", fmt.Sprint("s", number)))
		sandboxes = append(sandboxes, made)
		return made, fmt.Sprintf("10.77.%d.%d/16", number/256, number%256)
	}
	ours := func() time.Duration {
		made, address := sandbox()
		endpoint := netns.BridgeEndpoint{Name: made.Name(), Address: netip.MustParsePrefix(address)}
		return timed(func() { must(network.Join(made, endpoint)) })
	}
	theirs := func(born bool) func() time.Duration {
		return func() time.Duration {
			made, address := sandbox()
			return timed(func() { byVishvananda(bridge, made.Key(), made.Name(), address, "10.77.0.1", born) })
		}
	}
	end := func() {
		for _, made := range sandboxes {
			must(0, made.Destroy())
			must(0, made.Close())
		}
		sandboxes = nil
	}
	compare := func(born bool) (float64, float64) {
		var samples [][2]time.Duration
		for len(samples) < pairs/2+warm {
			for number := range round {
				samples = append(samples, inTurn(number, ours, theirs(born)))
			}
			end()
		}
		return medians(samples[warm:])
	}
	figures := map[string]float64{}
	us, them := compare(false)
	figures["vishvananda_over_go"], figures["vishvananda_us"], figures["foundation_join_us"] = them/us, them, us
	us, them = compare(true)
	figures["vishvananda_direct_over_go"], figures["vishvananda_direct_us"] = them/us, them
	must(0, network.Delete())
	return figures
}

// byVishvananda is the same job.
func byVishvananda(bridge netlink.Link, path, name, address, gateway string, born bool) {
	namespace := must(peer.GetFromPath(path))
	defer namespace.Close()
	inside := must(netlink.NewHandleAt(namespace))
	defer inside.Close()
	host := "v" + name
	veth := &netlink.Veth{LinkAttrs: netlink.NewLinkAttrs(), PeerName: "p" + host}
	veth.Name = host
	if born {
		veth.PeerName, veth.PeerNamespace = "eth0", netlink.NsFd(namespace)
	}
	must(0, netlink.LinkAdd(veth))
	must(0, netlink.LinkSetMaster(veth, bridge))
	must(0, netlink.LinkSetUp(veth))
	if !born {
		moved := must(netlink.LinkByName(veth.PeerName))
		must(0, netlink.LinkSetNsFd(moved, int(namespace)))
		must(0, inside.LinkSetName(must(inside.LinkByName(veth.PeerName)), "eth0"))
	}
	end := must(inside.LinkByName("eth0"))
	must(0, inside.AddrAdd(end, must(netlink.ParseAddr(address))))
	must(0, inside.LinkSetUp(end))
	must(0, inside.RouteAdd(&netlink.Route{LinkIndex: end.Attrs().Index, Gw: net.ParseIP(gateway)}))
}

package main

import (
	"bufio"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	peer "github.com/vishvananda/netns"

	"libnetns.dev/go/netns"
)

// tool does the job of the comparison of tools.
type tool interface {
	attach(name, address, gateway string)
	whole(name, address, gateway string)
	detach(name string)
	remove(name string)
	end()
}

// work does it as it is told, a line of its input each, and says how many nanoseconds that took.
func work(kind, name string, gateway netip.Prefix) {
	var does tool
	version := ""
	switch kind {
	case "netns":
		does, version = newOurs(name, gateway), netns.Version()
	default:
		does, version = newTheirs(name, kind == "vishvananda-direct"), dependency("github.com/vishvananda/netlink")
	}
	fmt.Println(version)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		begin := time.Now()
		act(does, words)
		fmt.Println(time.Since(begin).Nanoseconds())
	}
	does.end()
}

func act(does tool, words []string) {
	switch words[0] {
	case "attach":
		does.attach(words[1], words[2], words[3])
	case "whole":
		does.whole(words[1], words[2], words[3])
	case "detach":
		does.detach(words[1])
	case "remove":
		does.remove(words[1])
	}
}

func dependency(path string) string {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if module.Path == path {
			return module.Version
		}
	}
	return "unknown"
}

// theirs is vishvananda/netlink, on a bridge that is there.
type theirs struct {
	bridge netlink.Link
	born   bool
}

func newTheirs(bridge string, born bool) tool {
	return &theirs{must(netlink.LinkByName(bridge)), born}
}

func (t *theirs) attach(name, address, gateway string) {
	byVishvananda(t.bridge, "/run/netns/"+name, name, address, gateway, t.born)
}

func (t *theirs) whole(name, address, gateway string) {
	runtime.LockOSThread()
	home := must(peer.Get())
	made := must(peer.NewNamed(name))
	must(0, peer.Set(home))
	must(0, made.Close())
	must(0, home.Close())
	runtime.UnlockOSThread()
	t.attach(name, address, gateway)
}

func (t *theirs) detach(name string) {
	must(0, netlink.LinkDel(must(netlink.LinkByName("v"+name))))
}

func (t *theirs) remove(name string) {
	must(0, peer.DeleteNamed(name))
}

func (t *theirs) end() {}

// ours is a controller's network.
type ours struct {
	controller *netns.Controller
	network    *netns.Network
}

func newOurs(name string, gateway netip.Prefix) tool {
	controller := must(netns.Open(netns.Options{FromEnv: true}))
	config := netns.NetworkConfig{Name: name, Type: "bridge", Subnet: &netns.SubnetConfig{Subnet: gateway.Masked()}}
	return &ours{controller, must(controller.CreateNetwork(config))}
}

func (o *ours) attach(name, address, _ string) {
	o.connect(must(o.controller.OpenSandbox(name)), name, address)
}

func (o *ours) whole(name, address, _ string) {
	o.connect(must(o.controller.CreateSandbox(name)), name, address)
}

func (o *ours) connect(sandbox *netns.Sandbox, name, address string) {
	defer sandbox.Close()
	config := netns.EndpointConfig{Name: name, Address: must(netip.ParsePrefix(address)).Addr()}
	must(o.network.Connect(sandbox, config))
}

func (o *ours) detach(name string) {
	must(0, o.network.Disconnect(name))
}

func (o *ours) remove(name string) {
	must(0, o.controller.RemoveSandbox(name))
}

func (o *ours) end() {
	must(0, o.network.Delete())
	must(0, o.controller.Close())
}

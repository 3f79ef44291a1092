package netns

import (
	"net/netip"

	"libnetns.dev/go/netns/internal/native"
)

// FirewallMode is what becomes of a network where the kernel has no nf_tables, or the process no right to them.
type FirewallMode int32

const (
	// FirewallRequired: the network is refused before anything is made.
	FirewallRequired FirewallMode = 0
	// FirewallOptional: the network does without; the log says so. Ports cannot be published then.
	FirewallOptional FirewallMode = 1
	// FirewallOff: the network has none, whatever the kernel has.
	FirewallOff FirewallMode = 2
)

// GatewayMode is how a network and the outside reach each other (Docker's gateway_mode).
type GatewayMode int32

const (
	// GatewayNAT: by the host's addresses, out by masquerade, in by published ports.
	GatewayNAT GatewayMode = 0
	// GatewayRouted: by the endpoints' own addresses; of their ports those that are published are open.
	GatewayRouted GatewayMode = 1
	// GatewayIsolated: not at all, and the host has no address in the network. Of type "bridge" alone.
	GatewayIsolated GatewayMode = 2
)

// Isolate is what a network has to do with other networks of this library. Of two the stricter counts.
type Isolate int32

const (
	// IsolateOn: they reach each other's published ports alone.
	IsolateOn Isolate = 0
	// IsolateStrict: they do not reach each other.
	IsolateStrict Isolate = 1
	// IsolateOff: they reach each other.
	IsolateOff Isolate = 2
)

// FirewallConfig is a network's firewall: its way out, who may reach it, and what its endpoints may send. Of networks of
// type "bridge" and "routed". The zero value is the default.
type FirewallConfig struct {
	Mode        FirewallMode
	GatewayMode GatewayMode
	Isolate     Isolate
	// NoMasquerade: what leaves the network keeps its endpoints' addresses.
	NoMasquerade bool
	// NoICC: the network's endpoints do not reach one another (inter-container communication).
	NoICC bool
	// NoAntiSpoofing: the endpoints may send from addresses that are not their own, MAC and IP.
	NoAntiSpoofing bool
	// Source is the IPv4 address that packets leave with; without one that of the interface that they leave by.
	Source netip.Addr
	// SourceIPv6 is the same of IPv6.
	SourceIPv6 netip.Addr
}

func (f FirewallConfig) native() *native.FirewallConfig {
	if f == (FirewallConfig{}) {
		return nil
	}
	return &native.FirewallConfig{
		Mode:           int32(f.Mode),
		GatewayMode:    int32(f.GatewayMode),
		Isolate:        int32(f.Isolate),
		NoMasquerade:   f.NoMasquerade,
		NoICC:          f.NoICC,
		NoAntiSpoofing: f.NoAntiSpoofing,
		Source:         addrText(f.Source),
		SourceIPv6:     addrText(f.SourceIPv6),
	}
}

// RestoreFirewall puts the firewall back as the store has it, after somebody flushed the ruleset or loaded another:
// tables, chains, endpoints, published ports and forwarding. What is there already stays.
//
// It answers [errdefs.ErrUnsupported] where the kernel has no nf_tables, [errdefs.ErrPermissionDenied] without
// CAP_NET_ADMIN, [errdefs.ErrAlreadyExists] when a table of that name is not of this version of the library.
func (c *Controller) RestoreFirewall() error {
	return native.RestoreFirewall(c.native())
}

// FirewallWatch puts the firewall back whenever somebody takes it away, until it is closed. One that nobody refers to any
// more closes itself.
type FirewallWatch struct {
	handle *native.Handle
}

// WatchFirewall does as RestoreFirewall whenever the tables vanish, on a thread of the library's. What fails there goes
// to the log, and is tried again, less and less often. The store stays open as long as the watch is there.
func (c *Controller) WatchFirewall() (*FirewallWatch, error) {
	return made(newFirewallWatch)(native.WatchFirewall(c.native()))
}

func newFirewallWatch(handle *native.Handle) *FirewallWatch {
	return &FirewallWatch{handle}
}

// Close stops watching; the firewall stays. It waits for the thread, some 200 ms at most when that is not at work. It may
// be called again.
func (w *FirewallWatch) Close() error {
	if w != nil {
		w.handle.Close()
	}
	return nil
}

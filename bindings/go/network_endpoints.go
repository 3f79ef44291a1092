package netns

import (
	"encoding/json"

	"libnetns.dev/go/netns/internal/native"
)

// CreateEndpoint makes an endpoint with its addresses, for Join later (seed 004, CreateEndpoint).
//
// It answers [errdefs.ErrNoNetwork] when the network is gone; [errdefs.ErrAlreadyExists] when it has an endpoint of that
// name, or the address or a port that is wanted is taken, with the name of who has it; [errdefs.ErrResourceExhausted]
// when no address or port is left. Nothing is left behind.
func (n *Network) CreateEndpoint(config EndpointConfig) (Endpoint, error) {
	return endpointOr(native.CreateEndpoint(n.native(), config.native()))
}

// Connect joins a sandbox to the network by an endpoint that is made for it and goes with it: its addresses are chosen,
// and its interface is up and configured when this returns. It fails as CreateEndpoint and Join do. Nothing is left
// behind.
func (n *Network) Connect(sandbox *Sandbox, config EndpointConfig) (Endpoint, error) {
	return endpointOr(native.ConnectEndpoint(n.native(), sandbox.native(), config.native()))
}

// PlanConnect is what Connect would do; nothing is recorded, and no address is kept. It answers
// [errdefs.ErrNotImplemented] for a network whose driver acts by itself.
func (n *Network) PlanConnect(sandbox *Sandbox, config EndpointConfig) (Plan, error) {
	return planOr(native.PlanConnectEndpoint(n.native(), sandbox.native(), config.native()))
}

// Link makes an endpoint with its addresses and with two devices in the host, one in place in its network and one that is
// ready to move (seed 002, Link): its Interface is what Sandbox.AddInterface takes, of any sandbox. Connect makes the
// same in a fraction of the time. DeleteEndpoint takes the devices away, wherever they are, but a macvlan only where it
// is in the host.
//
// It answers [errdefs.ErrNotImplemented] where endpoints have no device in the host, and fails as CreateEndpoint does.
func (n *Network) Link(config EndpointConfig) (Endpoint, error) {
	return endpointOr(native.LinkNetwork(n.native(), config.native()))
}

// PlanLink is what Link would do; nothing is recorded, and no address is kept.
func (n *Network) PlanLink(config EndpointConfig) (Plan, error) {
	return planOr(native.PlanLinkNetwork(n.native(), config.native()))
}

// Join joins a sandbox by an endpoint that was made before (seed 004, Join).
//
// It answers [errdefs.ErrNoEndpoint] when there is no such endpoint; [errdefs.ErrBusy] when it is in a sandbox;
// [errdefs.ErrAlreadyExists] when the sandbox has an interface of that name or a route that the address overlaps. The
// endpoint is then as it was.
func (n *Network) Join(endpoint string, sandbox *Sandbox) (Endpoint, error) {
	return endpointOr(native.JoinEndpoint(n.native(), endpoint, sandbox.native()))
}

// Leave takes an endpoint out of its sandbox (seed 004, Leave); it keeps its addresses. An endpoint that is gone, or in
// no sandbox, is no error, nor is a sandbox that is gone.
func (n *Network) Leave(endpoint string) error {
	return native.LeaveEndpoint(n.native(), endpoint)
}

// Disconnect takes an endpoint out of its sandbox and deletes it: Leave and DeleteEndpoint in one.
func (n *Network) Disconnect(endpoint string) error {
	return native.DisconnectEndpoint(n.native(), endpoint)
}

// DeleteEndpoint deletes an endpoint and gives its addresses back (seed 004, DeleteEndpoint); one that is gone is no
// error. It answers [errdefs.ErrBusy] when it is in a sandbox.
func (n *Network) DeleteEndpoint(endpoint string) error {
	return native.DeleteEndpoint(n.native(), endpoint)
}

// ForgetEndpoint forgets an endpoint and frees its addresses whatever its driver says, as when a driver is gone for good:
// what the driver made of it is the driver's to clear away. One that is gone is no error.
func (n *Network) ForgetEndpoint(endpoint string) error {
	return native.ForgetEndpoint(n.native(), endpoint)
}

// Endpoint is an endpoint as it is now. It answers [errdefs.ErrNoEndpoint] when the network has none of that name.
func (n *Network) Endpoint(endpoint string) (Endpoint, error) {
	return endpointOr(native.EndpointInfo(n.native(), endpoint))
}

// EndpointOperInfo is what the driver knows of an endpoint (seed 004, EndpointOperInfo): a JSON object.
func (n *Network) EndpointOperInfo(endpoint string) (json.RawMessage, error) {
	text, err := native.EndpointOperInfo(n.native(), endpoint)
	if err != nil {
		return nil, err
	}
	return json.RawMessage(text), nil
}

// Publish publishes ports of an endpoint, besides those that it has, written as in EndpointConfig, and answers the same
// with the host's ports filled in. Those of an endpoint that is in no sandbox are open when it joins one.
//
// It answers [errdefs.ErrAlreadyExists] when a port is another endpoint's, or a socket of the host listens on it, with
// the name of either; [errdefs.ErrResourceExhausted] when no port is left to choose; [errdefs.ErrBadRequest] for what is
// no port, an address that is not the host's, and a network without a firewall. No port is then published.
func (n *Network) Publish(endpoint string, ports ...string) ([]string, error) {
	return native.PublishEndpoint(n.native(), endpoint, ports)
}

// Withdraw withdraws ports of an endpoint, each as it was published or is shown: connections by them end. It answers
// [errdefs.ErrNotFound] when one is not published; none is withdrawn then.
func (n *Network) Withdraw(endpoint string, ports ...string) error {
	return native.WithdrawEndpoint(n.native(), endpoint, ports)
}

// SetMeter meters an endpoint from now on, or no more; what was counted is forgotten. One that is metered already gets
// filters back that somebody removed, and keeps what was counted.
//
// It answers [errdefs.ErrResourceExhausted] when all slots are taken, [errdefs.ErrNotImplemented] for a device that a
// driver handed over and where the counters' directory is on no bpf filesystem, [errdefs.ErrPermissionDenied] without the
// right to use bpf.
func (n *Network) SetMeter(endpoint string, on bool) error {
	return native.SetMeter(n.native(), endpoint, on)
}

// StatsDetail is how much is wanted of statistics.
type StatsDetail int32

const (
	// StatsFull is all eight numbers, by one question to the kernel.
	StatsFull StatsDetail = 0
	// StatsFast is bytes and packets: errors and drops are 0. There is no question to the kernel where the interface is
	// metered.
	StatsFast StatsDetail = 1
)

// StatsSource is where bytes and packets come from. A later version may add others.
type StatsSource int32

const (
	// StatsFromOther is something that this version has no number for.
	StatsFromOther StatsSource = 0
	// StatsFromCounters is the counters of this library.
	StatsFromCounters StatsSource = 1
	// StatsFromKernel is the kernel's own, since the interface is not metered.
	StatsFromKernel StatsSource = 2
)

// Stats is the statistics of an interface, as its sandbox sees it (seed 001, NetworkStats).
type Stats struct {
	RxBytes, RxPackets, RxErrors, RxDropped uint64
	TxBytes, TxPackets, TxErrors, TxDropped uint64
}

// Stats is what an endpoint's interface has received and sent. Where it is not metered, all comes from the kernel's own
// counters, whatever detail says.
//
// It answers [errdefs.ErrNotFound] when there is no such endpoint, it is in no sandbox, or its link is gone;
// [errdefs.ErrNotImplemented] for a device that a driver handed over.
func (n *Network) Stats(endpoint string, detail StatsDetail) (Stats, StatsSource, error) {
	stats, source, err := native.EndpointStats(n.native(), endpoint, int32(detail))
	return Stats(stats), StatsSource(source), err
}

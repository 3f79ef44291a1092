package network

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"

	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/internal/argument"
	"libnetns.dev/go/netns/internal/native"
)

// ErrNotValidStrategyType is that there is no strategy of a type. It is of the category NotFound.
var ErrNotValidStrategyType error = notValid{}

type notValid struct{}

func (notValid) Error() string { return "not a valid network strategy type" }

// NotFound marks the category.
func (notValid) NotFound() {}

// Is is for errdefs.ErrNotFound.
func (notValid) Is(target error) bool { return target == errdefs.ErrNotFound }

// NetworkStrategy is one way of giving a container its network, in two steps.
type NetworkStrategy interface {
	// Create does in the calling thread's namespace, the host's, what the container of a process needs, and says in the
	// state what that is.
	Create(*Network, int, *NetworkState) error
	// Initialize completes it from within: the calling thread is in the container's namespace.
	Initialize(*Network, *NetworkState) error
}

// ours is the strategies that RegisterStrategy was given.
var ours sync.Map

// GetStrategy is the strategy of a type: veth, loopback, netns, or one that was registered. If there is none it is
// ErrNotValidStrategyType.
func GetStrategy(tpe string) (NetworkStrategy, error) {
	switch tpe {
	case "veth":
		return &Veth{}, nil
	case "loopback":
		return &Loopback{}, nil
	case "netns":
		return &NetNS{}, nil
	}
	if own, ok := ours.Load(tpe); ok {
		return own.(NetworkStrategy), nil
	}
	err := native.CheckStrategy(tpe)
	if errors.Is(err, errdefs.ErrNotFound) || errors.Is(err, errdefs.ErrBadRequest) {
		return nil, ErrNotValidStrategyType
	}
	if err != nil {
		return nil, err
	}
	return byType(tpe), nil
}

// RegisterStrategy makes a strategy known by a type, for configs too, in this process and for as long as it lasts. It is
// errdefs.ErrAlreadyExists when there is one of that type.
//
// Its methods are called on the thread of whoever called, several at once. Where one fails it leaves nothing behind; what
// it says in the state counts when it succeeds. The link in the host that VethHost names is taken away when what follows
// fails. An error comes to the caller as itself, and a panic as an errdefs.ErrPanic.
func RegisterStrategy(tpe string, strategy NetworkStrategy) error {
	if strategy == nil {
		return refuse("register strategy", tpe, "it is nil")
	}
	if err := native.RegisterStrategy(tpe, adapter{strategy}); err != nil {
		return err
	}
	ours.Store(tpe, strategy)
	return nil
}

// adapter is a strategy of the program's as the library calls it.
type adapter struct{ NetworkStrategy }

func (a adapter) Create(network native.StrategyNetwork, pid uint32, state *native.StrategyState) error {
	there := NetworkState(*state)
	err := a.NetworkStrategy.Create(networkOf(network), int(pid), &there)
	*state = native.StrategyState(there)
	return err
}

func (a adapter) Initialize(network native.StrategyNetwork, state *native.StrategyState) error {
	there := NetworkState(*state)
	err := a.NetworkStrategy.Initialize(networkOf(network), &there)
	*state = native.StrategyState(there)
	return err
}

func networkOf(network native.StrategyNetwork) *Network {
	return &Network{
		Type: network.Type, NsPath: network.NsPath, Bridge: network.Bridge, VethPrefix: network.VethPrefix,
		Address: network.Address, Gateway: network.Gateway, Mtu: int(network.MTU),
	}
}

// byType is a strategy that the library knows.
type byType string

func (b byType) Create(n *Network, nspid int, networkState *NetworkState) error {
	wanted, state, err := b.arguments("create network", n, networkState)
	if err != nil {
		return err
	}
	pid, err := argument.Process("create network", string(b), nspid)
	if err != nil {
		return err
	}
	if err := native.CreateStrategy(wanted, pid, &state); err != nil {
		return err
	}
	*networkState = NetworkState(state)
	return nil
}

func (b byType) Initialize(config *Network, networkState *NetworkState) error {
	wanted, state, err := b.arguments("initialize network", config, networkState)
	if err != nil {
		return err
	}
	if err := native.InitializeStrategy(wanted, &state); err != nil {
		return err
	}
	*networkState = NetworkState(state)
	return nil
}

func (b byType) arguments(operation string, n *Network, state *NetworkState) (native.StrategyNetwork, native.StrategyState, error) {
	if n == nil || state == nil {
		return native.StrategyNetwork{}, native.StrategyState{}, refuse(operation, string(b), "network or state is nil")
	}
	wanted, err := n.native(operation)
	wanted.Type = string(b)
	return wanted, native.StrategyState(*state), err
}

func (n *Network) native(operation string) (native.StrategyNetwork, error) {
	if n.Mtu < 0 || n.Mtu > math.MaxInt32 {
		return native.StrategyNetwork{}, refuse(operation, n.Type, fmt.Sprintf("%d is no MTU", n.Mtu))
	}
	return native.StrategyNetwork{
		Type: n.Type, NsPath: n.NsPath, Bridge: n.Bridge, VethPrefix: n.VethPrefix,
		Address: n.Address, Gateway: n.Gateway, MTU: uint32(n.Mtu),
	}, nil
}

// Veth is a pair, one end on a bridge of the host, the other inside.
type Veth struct{}

// Create makes the pair, one end on the bridge and up, the other in the namespace of the process nspid, down, under
// names of the prefix and seven hexadecimal digits. Where it fails nothing is left behind.
func (v *Veth) Create(n *Network, nspid int, networkState *NetworkState) error {
	return byType("veth").Create(n, nspid, networkState)
}

// Initialize makes of the state's inner end the interface eth0, with address, MTU and gateway, and brings it up.
func (v *Veth) Initialize(config *Network, networkState *NetworkState) error {
	return byType("veth").Initialize(config, networkState)
}

// Loopback is the loopback device alone.
type Loopback struct{}

// Create does nothing.
func (l *Loopback) Create(n *Network, nspid int, networkState *NetworkState) error {
	return byType("loopback").Create(n, nspid, networkState)
}

// Initialize brings up lo.
func (l *Loopback) Initialize(config *Network, networkState *NetworkState) error {
	return byType("loopback").Initialize(config, networkState)
}

// NetNS is a network namespace that is there.
type NetNS struct{}

// Create keeps the network's path in the state.
func (v *NetNS) Create(n *Network, nspid int, networkState *NetworkState) error {
	return byType("netns").Create(n, nspid, networkState)
}

// Initialize takes the calling thread into the state's namespace, and leaves it there: that is what it is for.
//
// Other goroutines must not come upon such a thread. So when it succeeds the goroutine stays locked to the thread, as by
// runtime.LockOSThread, and the thread ends with the goroutine. Goroutines that it starts are elsewhere, but what it
// executes is inside. Who calls runtime.UnlockOSThread must have gone back before. The process's first thread cannot end:
// it is taken there only where the caller's goroutine is locked to it.
func (v *NetNS) Initialize(config *Network, networkState *NetworkState) error {
	lockThread()
	err := byType("netns").Initialize(config, networkState)
	if err != nil {
		runtime.UnlockOSThread()
	}
	return err
}

// Setup gives a container its network at once: both steps of the strategy, with a veth interface born inside under its
// final name, eth0. That takes a fraction of the time. The calling thread is in the host's namespace before and after.
// Where it fails nothing is left behind.
func Setup(n *Network, target Target) (*NetworkState, error) {
	if n == nil {
		return nil, refuse("set up network", "of a container", "it is nil")
	}
	wanted, err := n.native("set up network")
	if err != nil {
		return nil, err
	}
	pid, err := argument.Process("set up network", n.Type, target.Pid)
	if err != nil {
		return nil, err
	}
	state, err := native.SetupStrategy(wanted, pid, target.Path)
	if err != nil {
		return nil, err
	}
	made := NetworkState(state)
	return &made, nil
}

// GetStats is what a container has received and sent, as it sees it: the kernel's counters of the pair's end in the host,
// the other way round. All is 0 when the state names no such end.
func GetStats(networkState *NetworkState) (*NetworkStats, error) {
	if networkState == nil {
		return nil, refuse("read statistics", "of a network", "its state is nil")
	}
	stats, err := native.StrategyStats(native.StrategyState(*networkState))
	if err != nil {
		return nil, err
	}
	read := NetworkStats(stats)
	return &read, nil
}

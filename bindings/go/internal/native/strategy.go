package native

// #include "program.h"
import "C"

// StrategyNetwork is netns_strategy_network.
type StrategyNetwork struct {
	Type, NsPath, Bridge, VethPrefix, Address, Gateway string
	MTU                                                uint32
}

// StrategyState is what a netns_strategy_state says.
type StrategyState struct {
	VethHost, VethChild, NsPath string
}

// Strategy is netns_strategy. What it changes in the state counts when it succeeds.
type Strategy interface {
	Create(network StrategyNetwork, pid uint32, state *StrategyState) error
	Initialize(network StrategyNetwork, state *StrategyState) error
}

// RegisterStrategy is netns_strategy_register. It is for as long as the process lasts.
func RegisterStrategy(networkType string, strategy Strategy) error {
	token := keep(strategy)
	err := run("register strategy", func(c *call) C.int32_t {
		name, raw := c.text(networkType), one[C.netns_strategy](c.arena)
		*raw = C.netns_go_strategy
		setUser(&raw.user, token)
		if c.err != nil {
			return 0
		}
		return C.netns_strategy_register(name, raw, &c.raised)
	})
	if err != nil {
		drop(token)
	}
	return err
}

// CheckStrategy is netns_strategy_check.
func CheckStrategy(networkType string) error {
	return run("find strategy", func(c *call) C.int32_t {
		name := c.text(networkType)
		if c.err != nil {
			return 0
		}
		return C.netns_strategy_check(name, &c.raised)
	})
}

// CreateStrategy is netns_strategy_create.
func CreateStrategy(network StrategyNetwork, pid uint32, state *StrategyState) error {
	return step("create network", network, state, func(
		c *call, network *C.netns_strategy_network, state *C.netns_strategy_state,
	) C.int32_t {
		return C.netns_strategy_create(network, C.uint32_t(pid), state, &c.raised)
	})
}

// InitializeStrategy is netns_strategy_initialize.
func InitializeStrategy(network StrategyNetwork, state *StrategyState) error {
	return step("initialize network", network, state, func(
		c *call, network *C.netns_strategy_network, state *C.netns_strategy_state,
	) C.int32_t {
		return C.netns_strategy_initialize(network, state, &c.raised)
	})
}

// step is one of a strategy's. The state changes when it succeeds.
func step(
	operation string, network StrategyNetwork, state *StrategyState,
	inside func(*call, *C.netns_strategy_network, *C.netns_strategy_state) C.int32_t,
) error {
	return run(operation, func(c *call) C.int32_t {
		raw := c.strategyNetwork(network)
		there := C.netns_strategy_state_new()
		defer C.netns_strategy_state_free(there)
		if c.refuse(writeState(there, *state)); c.err != nil {
			return 0
		}
		status := inside(c, raw, there)
		if status == 0 {
			*state = readState(there)
		}
		return status
	})
}

// SetupStrategy is netns_strategy_setup.
func SetupStrategy(network StrategyNetwork, pid uint32, path string) (StrategyState, error) {
	return ask("set up network", takeState, func(c *call, ret **C.netns_strategy_state) C.int32_t {
		raw, path := c.strategyNetwork(network), c.optional(path)
		if c.err != nil {
			return 0
		}
		return C.netns_strategy_setup(raw, C.uint32_t(pid), path, ret, &c.raised)
	})
}

// StrategyStats is netns_strategy_stats.
func StrategyStats(state StrategyState) (Stats, error) {
	return ask("read statistics", goStats, func(c *call, ret *C.netns_stats) C.int32_t {
		there := C.netns_strategy_state_new()
		defer C.netns_strategy_state_free(there)
		if c.refuse(writeState(there, state)); c.err != nil {
			return 0
		}
		return C.netns_strategy_stats(there, ret, &c.raised)
	})
}

// StrategyNetworkJSON is netns_strategy_network_json, of what netns_strategy_network_from_json reads.
func StrategyNetworkJSON(json string) (string, error) {
	return ask("write network", takeText, func(c *call, ret **C.char) C.int32_t {
		text := c.text(json)
		if c.err != nil {
			return 0
		}
		var network *C.netns_strategy_network
		status := C.netns_strategy_network_from_json(text, &network, &c.raised)
		if status != 0 {
			return status
		}
		defer C.netns_strategy_network_free(network)
		return C.netns_strategy_network_json(network, ret, &c.raised)
	})
}

// StrategyStateJSON is netns_strategy_state_json, of what netns_strategy_state_from_json reads.
func StrategyStateJSON(json string) (string, error) {
	text := func(state *C.netns_strategy_state) string {
		defer C.netns_strategy_state_free(state)
		return C.GoString(C.netns_strategy_state_json(state))
	}
	return ask("read state", text, func(c *call, ret **C.netns_strategy_state) C.int32_t {
		text := c.text(json)
		if c.err != nil {
			return 0
		}
		return C.netns_strategy_state_from_json(text, ret, &c.raised)
	})
}

func (a *arena) strategyNetwork(network StrategyNetwork) *C.netns_strategy_network {
	raw := one[C.netns_strategy_network](a)
	raw.size = C.sizeof_netns_strategy_network
	raw.network_type = a.text(network.Type)
	raw.ns_path = a.optional(network.NsPath)
	raw.bridge = a.optional(network.Bridge)
	raw.veth_prefix = a.optional(network.VethPrefix)
	raw.address = a.optional(network.Address)
	raw.gateway = a.optional(network.Gateway)
	raw.mtu = C.uint32_t(network.MTU)
	return raw
}

func goStrategyNetwork(raw *C.netns_strategy_network) StrategyNetwork {
	return StrategyNetwork{
		Type:       C.GoString(raw.network_type),
		NsPath:     C.GoString(raw.ns_path),
		Bridge:     C.GoString(raw.bridge),
		VethPrefix: C.GoString(raw.veth_prefix),
		Address:    C.GoString(raw.address),
		Gateway:    C.GoString(raw.gateway),
		MTU:        uint32(raw.mtu),
	}
}

func takeState(state *C.netns_strategy_state) StrategyState {
	defer C.netns_strategy_state_free(state)
	return readState(state)
}

func readState(state *C.netns_strategy_state) StrategyState {
	return StrategyState{
		VethHost:  C.GoString(C.netns_strategy_state_veth_host(state)),
		VethChild: C.GoString(C.netns_strategy_state_veth_child(state)),
		NsPath:    C.GoString(C.netns_strategy_state_ns_path(state)),
	}
}

func writeState(state *C.netns_strategy_state, said StrategyState) error {
	return run("write state", func(c *call) C.int32_t {
		host, child, path := c.text(said.VethHost), c.text(said.VethChild), c.text(said.NsPath)
		if c.err != nil {
			return 0
		}
		if status := C.netns_strategy_state_set_veth_host(state, host, &c.raised); status != 0 {
			return status
		}
		if status := C.netns_strategy_state_set_veth_child(state, child, &c.raised); status != 0 {
			return status
		}
		return C.netns_strategy_state_set_ns_path(state, path, &c.raised)
	})
}

// stepped runs a step of the program's strategy that C calls.
func stepped(
	token C.uintptr_t, method string, network *C.netns_strategy_network, state *C.netns_strategy_state,
	raised **C.netns_error, run func(strategy Strategy, network StrategyNetwork, state *StrategyState) error,
) C.int32_t {
	wanted := goStrategyNetwork(network)
	return answer("call "+method+" of", wanted.Type, raised, func() error {
		there := readState(state)
		if err := run(kept(uintptr(token)).(Strategy), wanted, &there); err != nil {
			return err
		}
		return writeState(state, there)
	})
}

//export netnsGoStrategyCreate
func netnsGoStrategyCreate(
	token C.uintptr_t, network *C.netns_strategy_network, pid C.uint32_t, state *C.netns_strategy_state,
	raised **C.netns_error,
) C.int32_t {
	return stepped(token, "Create", network, state, raised, func(strategy Strategy, network StrategyNetwork, state *StrategyState) error {
		return strategy.Create(network, uint32(pid), state)
	})
}

//export netnsGoStrategyInitialize
func netnsGoStrategyInitialize(
	token C.uintptr_t, network *C.netns_strategy_network, state *C.netns_strategy_state, raised **C.netns_error,
) C.int32_t {
	return stepped(token, "Initialize", network, state, raised, Strategy.Initialize)
}

package native

// #include <netns.h>
import "C"

import "unsafe"

// SetupNetwork is what a netns_setup_state says of a network.
type SetupNetwork struct {
	Type, InterfaceName, HostLink string
	HostIndex                     uint32
}

// SetupState is what a netns_setup_state says.
type SetupState struct {
	JSON, ID, Path string
	Networks       []SetupNetwork
}

// NewSetup is netns_setup_from_config.
func NewSetup(config *Handle, id string) (*Handle, error) {
	return ask("read setup", setupHandle, func(c *call, ret **C.netns_setup) C.int32_t {
		config, id := c.config(config), c.optional(id)
		if c.err != nil {
			return 0
		}
		return C.netns_setup_from_config(config, id, ret, &c.raised)
	})
}

func setupHandle(setup *C.netns_setup) *Handle {
	return newHandle("setup", unsafe.Pointer(setup), func(pointer unsafe.Pointer) {
		C.netns_setup_free((*C.netns_setup)(pointer))
	})
}

func (c *call) setup(handle *Handle) *C.netns_setup {
	return (*C.netns_setup)(c.object(handle))
}

// PlanSetup is netns_setup_plan.
func PlanSetup(setup *Handle, pid uint32, path string) (Plan, error) {
	return ask("plan setup", takePlan, func(c *call, ret **C.netns_plan) C.int32_t {
		setup, path := c.setup(setup), c.optional(path)
		if c.err != nil {
			return 0
		}
		return C.netns_setup_plan(setup, C.uint32_t(pid), path, ret, &c.raised)
	})
}

// SetupUp is netns_setup_up.
func SetupUp(setup *Handle, pid uint32, path, state string) (SetupState, error) {
	return ask("bring up setup", takeSetupState, func(c *call, ret **C.netns_setup_state) C.int32_t {
		setup, path, state := c.setup(setup), c.optional(path), c.text(state)
		if c.err != nil {
			return 0
		}
		return C.netns_setup_up(setup, C.uint32_t(pid), path, state, ret, &c.raised)
	})
}

// SetupPoststart is netns_setup_poststart.
func SetupPoststart(setup *Handle, state string) error {
	return run("run hooks of setup", func(c *call) C.int32_t {
		setup, state := c.setup(setup), c.text(state)
		if c.err != nil {
			return 0
		}
		return C.netns_setup_poststart(setup, state, &c.raised)
	})
}

// SetupTearDown is netns_setup_tear_down.
func SetupTearDown(setup *Handle) error {
	return run("tear down setup", func(c *call) C.int32_t {
		setup := c.setup(setup)
		if c.err != nil {
			return 0
		}
		return C.netns_setup_tear_down(setup, &c.raised)
	})
}

// SetupDown is netns_setup_down.
func SetupDown(setup *Handle, state string) error {
	return run("bring down setup", func(c *call) C.int32_t {
		setup, state := c.setup(setup), c.text(state)
		if c.err != nil {
			return 0
		}
		return C.netns_setup_down(setup, state, &c.raised)
	})
}

// ReadSetupState is netns_setup_state_from_json.
func ReadSetupState(json string) (SetupState, error) {
	return ask("read state of setup", takeSetupState, func(c *call, ret **C.netns_setup_state) C.int32_t {
		json := c.text(json)
		if c.err != nil {
			return 0
		}
		return C.netns_setup_state_from_json(json, ret, &c.raised)
	})
}

// FindSetupState is netns_setup_state_find.
func FindSetupState(id string) (SetupState, error) {
	return ask("find setup", takeSetupState, func(c *call, ret **C.netns_setup_state) C.int32_t {
		id := c.text(id)
		if c.err != nil {
			return 0
		}
		return C.netns_setup_state_find(id, ret, &c.raised)
	})
}

// SetupStateTearDown is netns_setup_state_tear_down of the state in JSON.
func SetupStateTearDown(json string) error {
	return ofState("tear down setup", json, func(c *call, state *C.netns_setup_state) C.int32_t {
		return C.netns_setup_state_tear_down(state, &c.raised)
	})
}

// SetupStateDown is netns_setup_state_down of the state in JSON.
func SetupStateDown(json, ociState string, config *Handle) error {
	return ofState("bring down setup", json, func(c *call, state *C.netns_setup_state) C.int32_t {
		config, ociState := c.config(config), c.text(ociState)
		if c.err != nil {
			return 0
		}
		return C.netns_setup_state_down(state, ociState, config, &c.raised)
	})
}

func ofState(operation, json string, inside func(c *call, state *C.netns_setup_state) C.int32_t) error {
	return run(operation, func(c *call) C.int32_t {
		text := c.text(json)
		if c.err != nil {
			return 0
		}
		var state *C.netns_setup_state
		if status := C.netns_setup_state_from_json(text, &state, &c.raised); status != 0 {
			return status
		}
		defer C.netns_setup_state_free(state)
		return inside(c, state)
	})
}

func takeSetupState(raw *C.netns_setup_state) SetupState {
	defer C.netns_setup_state_free(raw)
	state := SetupState{
		JSON: C.GoString(C.netns_setup_state_json(raw)),
		ID:   C.GoString(C.netns_setup_state_id(raw)),
		Path: C.GoString(C.netns_setup_state_path(raw)),
	}
	for i := range C.netns_setup_state_network_count(raw) {
		state.Networks = append(state.Networks, SetupNetwork{
			Type:          C.GoString(C.netns_setup_state_network_type(raw, i)),
			InterfaceName: C.GoString(C.netns_setup_state_interface_name(raw, i)),
			HostLink:      C.GoString(C.netns_setup_state_host_link(raw, i)),
			HostIndex:     uint32(C.netns_setup_state_host_index(raw, i)),
		})
	}
	return state
}

package native

// #include <netns.h>
import "C"

import "unsafe"

// ControllerOptions is netns_controller_options.
type ControllerOptions struct {
	NetworksDir, RunDir, SandboxDir, MeterDir string
	MeterSlots                                uint32
	Flags                                     uint64
}

// OpenController is netns_controller_open.
func OpenController(options ControllerOptions) (*Handle, error) {
	arena := newArena("open controller")
	defer arena.free()
	raw := &allocate[C.netns_controller_options](arena, 1)[0]
	raw.size = C.sizeof_netns_controller_options
	raw.flags = C.uint64_t(options.Flags)
	raw.networks_dir = arena.optional(options.NetworksDir)
	raw.run_dir = arena.optional(options.RunDir)
	raw.sandbox_dir = arena.optional(options.SandboxDir)
	raw.meter_dir = arena.optional(options.MeterDir)
	raw.meter_slots = C.uint32_t(options.MeterSlots)
	if arena.err != nil {
		return nil, arena.err
	}
	var controller *C.netns_controller
	var raised *C.netns_error
	status := C.netns_controller_open(raw, &controller, &raised)
	if err := failure(status, raised); err != nil {
		return nil, err
	}
	return newHandle("controller", unsafe.Pointer(controller), func(pointer unsafe.Pointer) {
		C.netns_controller_close((*C.netns_controller)(pointer))
	}), nil
}

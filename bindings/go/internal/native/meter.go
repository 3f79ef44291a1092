package native

// #include "program.h"
import "C"

import (
	"unsafe"

	"libnetns.dev/go/netns/errdefs"
)

// Counters is netns_counters.
type Counters struct {
	RxBytes, RxPackets, TxBytes, TxPackets uint64
}

// StatsLineWords is NETNS_STATS_LINE_WORDS.
const StatsLineWords = C.NETNS_STATS_LINE_WORDS

// ReadingInside is NETNS_READING_INSIDE.
const ReadingInside = C.NETNS_READING_INSIDE

// ReadingLayout is the offsets of netns_reading, by the words of C, and its size.
var ReadingLayout = map[string]uintptr{
	"slot.slot":        unsafe.Offsetof(C.netns_reading{}.slot) + unsafe.Offsetof(C.netns_slot{}.slot),
	"slot.life":        unsafe.Offsetof(C.netns_reading{}.slot) + unsafe.Offsetof(C.netns_slot{}.life),
	"counters":         unsafe.Offsetof(C.netns_reading{}.counters),
	"rx_bytes":         unsafe.Offsetof(C.netns_counters{}.rx_bytes),
	"rx_packets":       unsafe.Offsetof(C.netns_counters{}.rx_packets),
	"tx_bytes":         unsafe.Offsetof(C.netns_counters{}.tx_bytes),
	"tx_packets":       unsafe.Offsetof(C.netns_counters{}.tx_packets),
	"namespace_cookie": unsafe.Offsetof(C.netns_reading{}.namespace_cookie),
	"digest":           unsafe.Offsetof(C.netns_reading{}.digest),
	"index":            unsafe.Offsetof(C.netns_reading{}.index),
	"mark":             unsafe.Offsetof(C.netns_reading{}.mark),
	"flags":            unsafe.Offsetof(C.netns_reading{}.flags),
	"size":             C.sizeof_netns_reading,
}

// OpenMeter is netns_meter_open.
func OpenMeter(directory string, slots uint32) (*Handle, error) {
	return ask("open counters", meterHandle, func(c *call, ret **C.netns_meter) C.int32_t {
		raw := one[C.netns_meter_options](c.arena)
		raw.size = C.sizeof_netns_meter_options
		raw.directory = c.optional(directory)
		raw.slots = C.uint32_t(slots)
		if c.err != nil {
			return 0
		}
		return C.netns_meter_open(raw, ret, &c.raised)
	})
}

// ControllerMeter is netns_controller_meter.
func ControllerMeter(controller *Handle) (*Handle, error) {
	return ask("open counters", meterHandle, func(c *call, ret **C.netns_meter) C.int32_t {
		owner := c.controller(controller)
		if c.err != nil {
			return 0
		}
		return C.netns_controller_meter(owner, ret, &c.raised)
	})
}

func meterHandle(meter *C.netns_meter) *Handle {
	return newHandle("counters", unsafe.Pointer(meter), func(pointer unsafe.Pointer) {
		C.netns_meter_free((*C.netns_meter)(pointer))
	})
}

func (c *call) meter(handle *Handle) *C.netns_meter {
	return (*C.netns_meter)(c.object(handle))
}

// MeterAttach is netns_meter_attach.
func MeterAttach(meter *Handle, link string) (Slot, error) {
	return ask("meter link", goSlot, func(c *call, ret *C.netns_slot) C.int32_t {
		meter, link := c.meter(meter), c.text(link)
		if c.err != nil {
			return 0
		}
		return C.netns_meter_attach(meter, link, ret, &c.raised)
	})
}

func goSlot(raw C.netns_slot) Slot {
	return Slot{uint16(raw.slot), uint64(raw.life)}
}

// MeterDetach is netns_meter_detach.
func MeterDetach(meter *Handle, link string) error {
	return run("meter link no more", func(c *call) C.int32_t {
		meter, link := c.meter(meter), c.text(link)
		if c.err != nil {
			return 0
		}
		return C.netns_meter_detach(meter, link, &c.raised)
	})
}

// MeterRelease is netns_meter_release.
func MeterRelease(meter *Handle, slot Slot) error {
	return run("release slot", func(c *call) C.int32_t {
		meter, raw := c.meter(meter), one[C.netns_slot](c.arena)
		raw.slot, raw.life = C.uint16_t(slot.Slot), C.uint64_t(slot.Life)
		if c.err != nil {
			return 0
		}
		return C.netns_meter_release(meter, raw, &c.raised)
	})
}

// MeterMapping is netns_meter_mapping: the words are there until visit returns.
func MeterMapping(meter *Handle, visit func(words []uint64, processors int)) error {
	return run("read counters", func(c *call) C.int32_t {
		meter := c.meter(meter)
		if c.err != nil {
			return 0
		}
		var address *C.uint64_t
		var words C.size_t
		var processors C.uint32_t
		status := C.netns_meter_mapping(meter, &address, &words, &processors, &c.raised)
		if status == 0 {
			visit(unsafe.Slice((*uint64)(address), words), int(processors))
		}
		return status
	})
}

// StatsRead is netns_stats_read. It allocates nothing.
func StatsRead(meter *Handle, slot Slot) (Counters, error) {
	pointer, err := meter.hold("read counters")
	if err != nil {
		return Counters{}, err
	}
	defer meter.object.release()
	read := C.netns_go_stats_read((*C.netns_meter)(pointer), C.uint16_t(slot.Slot), C.uint64_t(slot.Life))
	if read.status != 0 {
		return Counters{}, failure(read.status, read.error)
	}
	counters := read.counters
	return Counters{
		RxBytes: uint64(counters.rx_bytes), RxPackets: uint64(counters.rx_packets),
		TxBytes: uint64(counters.tx_bytes), TxPackets: uint64(counters.tx_packets),
	}, nil
}

// StatsReadAll is netns_stats_read_all: how many there are, also where there is room for fewer. R is a struct of
// ReadingLayout. It allocates nothing.
func StatsReadAll[R any](meter *Handle, readings []R) (int, error) {
	var one R
	if unsafe.Sizeof(one) != C.sizeof_netns_reading {
		return 0, errdefs.New(errdefs.ErrBadRequest, "read counters", "into readings", "they have another size than the library's")
	}
	return statsReadAll(meter, unsafe.Pointer(unsafe.SliceData(readings)), len(readings))
}

func statsReadAll(meter *Handle, readings unsafe.Pointer, capacity int) (int, error) {
	pointer, err := meter.hold("read counters")
	if err != nil {
		return 0, err
	}
	defer meter.object.release()
	all := C.netns_go_stats_read_all((*C.netns_meter)(pointer), (*C.netns_reading)(readings), C.size_t(capacity))
	return int(all.count), failure(all.status, all.error)
}

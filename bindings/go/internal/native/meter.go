package native

// #include "callbacks.h"
import "C"

import (
	"unsafe"

	"libnetns.dev/go/netns/errdefs"
)

// Slot is netns_slot.
type Slot struct {
	Slot uint16
	Life uint64
}

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
	arena := newArena("open counters")
	defer arena.free()
	raw := &allocate[C.netns_meter_options](arena, 1)[0]
	raw.size = C.sizeof_netns_meter_options
	raw.directory = arena.optional(directory)
	raw.slots = C.uint32_t(slots)
	if arena.err != nil {
		return nil, arena.err
	}
	var meter *C.netns_meter
	var raised *C.netns_error
	if err := failure(C.netns_meter_open(raw, &meter, &raised), raised); err != nil {
		return nil, err
	}
	return meterHandle(meter), nil
}

// ControllerMeter is netns_controller_meter.
func ControllerMeter(controller *Handle) (*Handle, error) {
	pointer, err := controller.hold("open counters")
	if err != nil {
		return nil, err
	}
	defer controller.release()
	var meter *C.netns_meter
	var raised *C.netns_error
	if err := failure(C.netns_controller_meter((*C.netns_controller)(pointer), &meter, &raised), raised); err != nil {
		return nil, err
	}
	return meterHandle(meter), nil
}

func meterHandle(meter *C.netns_meter) *Handle {
	return newHandle("counters", unsafe.Pointer(meter), func(pointer unsafe.Pointer) {
		C.netns_meter_free((*C.netns_meter)(pointer))
	})
}

// MeterAttach is netns_meter_attach.
func MeterAttach(meter *Handle, link string) (Slot, error) {
	var slot C.netns_slot
	err := onLink(meter, "meter link", link, func(meter *C.netns_meter, link *C.char, raised **C.netns_error) C.int32_t {
		return C.netns_meter_attach(meter, link, &slot, raised)
	})
	return Slot{uint16(slot.slot), uint64(slot.life)}, err
}

// MeterDetach is netns_meter_detach.
func MeterDetach(meter *Handle, link string) error {
	return onLink(meter, "meter link no more", link, func(meter *C.netns_meter, link *C.char, raised **C.netns_error) C.int32_t {
		return C.netns_meter_detach(meter, link, raised)
	})
}

func onLink(
	meter *Handle, operation, link string, run func(*C.netns_meter, *C.char, **C.netns_error) C.int32_t,
) error {
	arena := newArena(operation)
	defer arena.free()
	raw := arena.text(link)
	if arena.err != nil {
		return arena.err
	}
	pointer, err := meter.hold(operation)
	if err != nil {
		return err
	}
	defer meter.release()
	var raised *C.netns_error
	status := run((*C.netns_meter)(pointer), raw, &raised)
	return failure(status, raised)
}

// MeterRelease is netns_meter_release.
func MeterRelease(meter *Handle, slot Slot) error {
	pointer, err := meter.hold("release slot")
	if err != nil {
		return err
	}
	defer meter.release()
	raw := C.netns_slot{slot: C.uint16_t(slot.Slot), life: C.uint64_t(slot.Life)}
	var raised *C.netns_error
	return failure(C.netns_meter_release((*C.netns_meter)(pointer), &raw, &raised), raised)
}

// MeterMapping is netns_meter_mapping: the words are there until visit returns.
func MeterMapping(meter *Handle, visit func(words []uint64, processors int)) error {
	pointer, err := meter.hold("read counters")
	if err != nil {
		return err
	}
	defer meter.release()
	var address *C.uint64_t
	var words C.size_t
	var processors C.uint32_t
	var raised *C.netns_error
	status := C.netns_meter_mapping((*C.netns_meter)(pointer), &address, &words, &processors, &raised)
	if err := failure(status, raised); err != nil {
		return err
	}
	visit(unsafe.Slice((*uint64)(address), words), int(processors))
	return nil
}

// StatsRead is netns_stats_read. It allocates nothing.
func StatsRead(meter *Handle, slot Slot) (Counters, error) {
	pointer, err := meter.hold("read counters")
	if err != nil {
		return Counters{}, err
	}
	defer meter.release()
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
	defer meter.release()
	all := C.netns_go_stats_read_all((*C.netns_meter)(pointer), (*C.netns_reading)(readings), C.size_t(capacity))
	return int(all.count), failure(all.status, all.error)
}

package native

// #include <netns.h>
import "C"

import "unsafe"

// Event is netns_event.
type Event struct {
	Kind                       int32
	Process                    uint32
	TimeMs, Missed             uint64
	Network, Endpoint, Sandbox string
}

// OpenEvents is netns_events_open. Closing the handle ends the waiting of NextEvent.
func OpenEvents(controller *Handle) (*Handle, error) {
	return ask("listen to events", eventsHandle, func(c *call, ret **C.netns_events) C.int32_t {
		owner := c.controller(controller)
		if c.err != nil {
			return 0
		}
		return C.netns_events_open(owner, ret, &c.raised)
	})
}

// NextEvent is netns_events_next, which waits for ever. There is none when the handle was closed meanwhile.
func NextEvent(events *Handle) (*Event, error) {
	return ask("wait for event", takeEvent, func(c *call, ret **C.netns_event) C.int32_t {
		events := (*C.netns_events)(c.object(events))
		if c.err != nil {
			return 0
		}
		return C.netns_events_next(events, -1, ret, &c.raised)
	})
}

func eventsHandle(events *C.netns_events) *Handle {
	free := func(pointer unsafe.Pointer) { C.netns_events_free((*C.netns_events)(pointer)) }
	wake := func(pointer unsafe.Pointer) { C.netns_events_close((*C.netns_events)(pointer)) }
	return newWaiting("listener", unsafe.Pointer(events), free, wake)
}

func takeEvent(raw *C.netns_event) *Event {
	if raw == nil {
		return nil
	}
	defer C.netns_event_free(raw)
	return &Event{
		Kind:     int32(raw.kind),
		Process:  uint32(raw.process),
		TimeMs:   uint64(raw.time_ms),
		Missed:   uint64(raw.missed),
		Network:  C.GoString(raw.network),
		Endpoint: C.GoString(raw.endpoint),
		Sandbox:  C.GoString(raw.sandbox),
	}
}

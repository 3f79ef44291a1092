package netns

import (
	"context"
	"errors"
	"iter"
	"runtime"
	"sync"
	"time"

	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/internal/native"
)

// EventKind is what an event is about. A later version may add others.
type EventKind int32

// The kinds of events.
const (
	// EventOther is something that this version has no number for.
	EventOther EventKind = 0
	// EventCollected: what a process that is gone had left was removed.
	EventCollected EventKind = 1
	// EventEndpointCreated: an endpoint was created.
	EventEndpointCreated EventKind = 2
	// EventEndpointDeleted: an endpoint was deleted.
	EventEndpointDeleted EventKind = 3
	// EventEndpointJoined: an endpoint joined a sandbox.
	EventEndpointJoined EventKind = 4
	// EventEndpointLeft: an endpoint left its sandbox.
	EventEndpointLeft EventKind = 5
	// EventNetworkCreated: a network was created.
	EventNetworkCreated EventKind = 6
	// EventNetworkDeleted: a network was deleted.
	EventNetworkDeleted EventKind = 7
	// EventSandboxCreated: a sandbox was created.
	EventSandboxCreated EventKind = 8
	// EventSandboxDestroyed: a sandbox was destroyed.
	EventSandboxDestroyed EventKind = 9
)

var eventKinds = [...]string{
	"other", "collected", "endpoint_created", "endpoint_deleted", "endpoint_joined", "endpoint_left",
	"network_created", "network_deleted", "sandbox_created", "sandbox_destroyed",
}

// String is the kind in words: "endpoint_joined".
func (k EventKind) String() string {
	return word(eventKinds[:], int32(k))
}

// Event is something that happened, after it did, in whatever process.
type Event struct {
	Kind EventKind
	// Process is the number of the process that did it.
	Process uint32
	// Time is when, to the millisecond.
	Time time.Time
	// Missed is how many events this listener could not take since the one before.
	Missed uint64
	// Network is the name of the network, Endpoint that of the endpoint; empty where none is concerned.
	Network, Endpoint string
	// Sandbox is the key of the sandbox; empty where none is concerned.
	Sandbox string
}

// Events hears what happens to networks, endpoints and sandboxes from the moment on at which it was opened. Of several
// goroutines that wait one gets an event.
type Events struct {
	listener *listener
}

// listener is what an Events is of. It does not refer to it.
type listener struct {
	handle *native.Handle
	start  sync.Once
	answer chan answer
	ended  chan struct{}
	end    sync.Once
}

// answer is one of the library's.
type answer struct {
	event *native.Event
	err   error
}

// Events begins to listen. A thread of the library's takes events out of the kernel's short queue until the listener is
// closed. It answers [errdefs.ErrResourceExhausted] at the limit of descriptors or threads.
func (c *Controller) Events() (*Events, error) {
	return made(newEvents)(native.OpenEvents(c.native()))
}

func newEvents(handle *native.Handle) *Events {
	events := &Events{&listener{handle: handle, answer: make(chan answer), ended: make(chan struct{})}}
	runtime.AddCleanup(events, (*listener).close, events.listener)
	return events
}

// Close stops listening, and ends the waiting of Next. It may be called again, from everywhere.
func (e *Events) Close() error {
	if e != nil && e.listener != nil {
		e.listener.close()
	}
	return nil
}

// Next is the next event. It waits until there is one, the context is done, whose error it answers then, or the listener
// is closed, which is [errdefs.ErrClosed]. An event that comes when nobody waits is kept for the next call.
func (e *Events) Next(ctx context.Context) (Event, error) {
	if e == nil || e.listener == nil {
		return Event{}, silent()
	}
	// It must not close itself while somebody waits.
	defer runtime.KeepAlive(e)
	return e.listener.next(ctx)
}

// All is the events as they come. It ends when the listener is closed; where the context is done, or something else goes
// wrong, the last one comes with that error.
//
//	for event, err := range events.All(ctx) { … }
func (e *Events) All(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for {
			event, err := e.Next(ctx)
			if errors.Is(err, errdefs.ErrClosed) {
				return
			}
			if !yield(event, err) || err != nil {
				return
			}
		}
	}
}

func silent() error {
	return errdefs.Closed("wait for event", "listener")
}

func (l *listener) close() {
	l.handle.Close()
	l.end.Do(func() { close(l.ended) })
}

func (l *listener) next(ctx context.Context) (Event, error) {
	if err := ctx.Err(); err != nil {
		return Event{}, err
	}
	l.start.Do(func() { go l.pump() })
	select {
	case <-l.ended:
		return Event{}, silent()
	case <-ctx.Done():
		return Event{}, ctx.Err()
	case answer := <-l.answer:
		if answer.err != nil {
			return Event{}, answer.err
		}
		return eventOf(answer.event), nil
	}
}

// pump waits in the library, so that callers can wait in Go, where a context ends it.
func (l *listener) pump() {
	for {
		event, err := native.NextEvent(l.handle)
		if event == nil && err == nil {
			err = silent()
		}
		select {
		case <-l.ended:
			return
		case l.answer <- answer{event, err}:
		}
	}
}

func eventOf(event *native.Event) Event {
	return Event{
		Kind:     EventKind(event.Kind),
		Process:  event.Process,
		Time:     time.UnixMilli(int64(event.TimeMs)),
		Missed:   event.Missed,
		Network:  event.Network,
		Endpoint: event.Endpoint,
		Sandbox:  event.Sandbox,
	}
}

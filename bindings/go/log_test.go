package netns_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"libnetns.dev/go/netns"
	"libnetns.dev/go/netns/driverapi"
	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/internal/testhost"
)

// heard is a handler that keeps what it hears.
type heard struct {
	mu     sync.Mutex
	buffer bytes.Buffer
	slog.Handler
	during func()
}

func (h *heard) Handle(ctx context.Context, record slog.Record) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.during()
	return h.Handler.Handle(ctx, record)
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.buffer.String()
}

func listen(level slog.Level, during func()) *heard {
	handler := &heard{during: during}
	handler.Handler = slog.NewTextHandler(&handler.buffer, &slog.HandlerOptions{Level: level})
	return handler
}

// left has the library find something, which it logs.
func left(t *testing.T, controller *netns.Controller, demo *netns.Network) {
	t.Helper()
	web := must(controller.CreateSandbox("web"))
	must(demo.Connect(web, netns.EndpointConfig{Name: "web"}))
	testhost.Execute(t, "ip", "netns", "delete", "web")
	if found := must(controller.Collect()); len(found) == 0 {
		t.Error("nothing was found")
	}
	ok(t, web.Close())
}

func TestTheLogIsHeard(t *testing.T) {
	controller := open(t)
	demo := network(t, controller, netns.NetworkConfig{Name: "demo"})
	refused, unregistered := error(nil), error(nil)
	handler := listen(slog.LevelDebug, func() {
		_, refused = controller.Networks()
		unregistered = controller.RegisterDriver("wires", &wires{}, driverapi.Capability{})
	})
	ok(t, netns.SetLogHandler(handler, slog.LevelInfo))
	left(t, controller, demo)
	if text := handler.String(); !strings.Contains(text, "level=INFO") || !strings.Contains(text, "target=") {
		t.Error(text)
	}
	is(t, refused, errdefs.ErrForbidden)
	is(t, unregistered, errdefs.ErrForbidden)
	var active driverapi.ErrActiveRegistration
	if errors.As(unregistered, &active) {
		t.Error("no driver is registered:", unregistered)
	}

	severe := listen(slog.LevelError, func() {})
	ok(t, netns.SetLogHandler(severe, slog.LevelDebug))
	left(t, controller, demo)
	if severe.String() != "" {
		t.Error(severe)
	}
	panicking := listen(slog.LevelDebug, func() { panic("in the log") })
	ok(t, netns.SetLogHandler(panicking, slog.LevelInfo))
	left(t, controller, demo)

	ok(t, netns.SetLogHandler(nil, 0))
	had := handler.String()
	left(t, controller, demo)
	if handler.String() != had {
		t.Error("it hears nobody's")
	}
}

package netns_test

import (
	"log/slog"
	"strings"
	"testing"

	"libnetns.dev/go/netns"
	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/internal/native"
)

// constants is Go's names for the numbers of netns.h.
var constants = map[string]int64{
	"STATUS_OK":                    0,
	"STATUS_ALREADY_EXISTS":        int64(errdefs.ErrAlreadyExists),
	"STATUS_BAD_REQUEST":           int64(errdefs.ErrBadRequest),
	"STATUS_BUSY":                  int64(errdefs.ErrBusy),
	"STATUS_FORBIDDEN":             int64(errdefs.ErrForbidden),
	"STATUS_NOT_FOUND":             int64(errdefs.ErrNotFound),
	"STATUS_NOT_IMPLEMENTED":       int64(errdefs.ErrNotImplemented),
	"STATUS_PANIC":                 int64(errdefs.ErrPanic),
	"STATUS_PERMISSION_DENIED":     int64(errdefs.ErrPermissionDenied),
	"STATUS_RESOURCE_EXHAUSTED":    int64(errdefs.ErrResourceExhausted),
	"STATUS_SYSTEM":                int64(errdefs.ErrSystem),
	"STATUS_UNSUPPORTED":           int64(errdefs.ErrUnsupported),
	"EVENT_KIND_OTHER":             int64(netns.EventOther),
	"EVENT_KIND_COLLECTED":         int64(netns.EventCollected),
	"EVENT_KIND_ENDPOINT_CREATED":  int64(netns.EventEndpointCreated),
	"EVENT_KIND_ENDPOINT_DELETED":  int64(netns.EventEndpointDeleted),
	"EVENT_KIND_ENDPOINT_JOINED":   int64(netns.EventEndpointJoined),
	"EVENT_KIND_ENDPOINT_LEFT":     int64(netns.EventEndpointLeft),
	"EVENT_KIND_NETWORK_CREATED":   int64(netns.EventNetworkCreated),
	"EVENT_KIND_NETWORK_DELETED":   int64(netns.EventNetworkDeleted),
	"EVENT_KIND_SANDBOX_CREATED":   int64(netns.EventSandboxCreated),
	"EVENT_KIND_SANDBOX_DESTROYED": int64(netns.EventSandboxDestroyed),
	"FINDING_KIND_OTHER":           int64(netns.FindingOther),
	"FINDING_KIND_BRIDGE":          int64(netns.FindingBridge),
	"FINDING_KIND_DEFINITION":      int64(netns.FindingDefinition),
	"FINDING_KIND_ENDPOINT":        int64(netns.FindingEndpoint),
	"FINDING_KIND_LEASE":           int64(netns.FindingLease),
	"FINDING_KIND_LINK":            int64(netns.FindingLink),
	"FINDING_KIND_LISTENER":        int64(netns.FindingListener),
	"FINDING_KIND_PROXY":           int64(netns.FindingProxy),
	"FINDING_KIND_SANDBOX":         int64(netns.FindingSandbox),
	"FINDING_KIND_FIREWALL":        int64(netns.FindingFirewall),
	"FIREWALL_REQUIRED":            int64(netns.FirewallRequired),
	"FIREWALL_OPTIONAL":            int64(netns.FirewallOptional),
	"FIREWALL_OFF":                 int64(netns.FirewallOff),
	"GATEWAY_NAT":                  int64(netns.GatewayNAT),
	"GATEWAY_ROUTED":               int64(netns.GatewayRouted),
	"GATEWAY_ISOLATED":             int64(netns.GatewayIsolated),
	"ISOLATE_ON":                   int64(netns.IsolateOn),
	"ISOLATE_STRICT":               int64(netns.IsolateStrict),
	"ISOLATE_OFF":                  int64(netns.IsolateOff),
	"METERING_DEFAULT":             int64(netns.Default),
	"METERING_ON":                  int64(netns.On),
	"METERING_OFF":                 int64(netns.Off),
	"STATS_DETAIL_FULL":            int64(netns.StatsFull),
	"STATS_DETAIL_FAST":            int64(netns.StatsFast),
	"STATS_SOURCE_OTHER":           int64(netns.StatsFromOther),
	"STATS_SOURCE_COUNTERS":        int64(netns.StatsFromCounters),
	"STATS_SOURCE_KERNEL":          int64(netns.StatsFromKernel),
	"LOG_LEVEL_OFF":                int64(netns.LogLevel(slog.LevelError + 1)),
	"LOG_LEVEL_ERROR":              int64(netns.LogLevel(slog.LevelError)),
	"LOG_LEVEL_WARN":               int64(netns.LogLevel(slog.LevelWarn)),
	"LOG_LEVEL_INFO":               int64(netns.LogLevel(slog.LevelInfo)),
	"LOG_LEVEL_DEBUG":              int64(netns.LogLevel(slog.LevelDebug)),
}

func TestConstantsAreThoseOfC(t *testing.T) {
	for name, number := range native.Constants() {
		own, ok := constants[name]
		if !ok || own != number {
			t.Errorf("NETNS_%s is %d, not %d", name, number, own)
		}
	}
	if len(constants) != len(native.Constants()) {
		t.Error("a constant is C's no more")
	}
}

func TestKindsHaveWords(t *testing.T) {
	for name, number := range native.Constants() {
		kind, of, _ := strings.Cut(name, "_KIND_")
		var text string
		switch kind {
		case "EVENT":
			text = netns.EventKind(number).String()
		case "FINDING":
			text = netns.FindingKind(number).String()
		default:
			continue
		}
		if text != strings.ToLower(of) {
			t.Errorf("NETNS_%s is called %s", name, text)
		}
	}
	if netns.EventKind(99).String() != "other" || netns.FindingKind(-1).String() != "other" {
		t.Error("a number that is none has a word")
	}
}

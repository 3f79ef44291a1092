package netns_test

import (
	"slices"
	"strings"
	"testing"

	"libnetns.dev/go/netns"
	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/internal/testhost"
)

func TestVersion(t *testing.T) {
	if netns.Version() == "" {
		t.Error("it has none")
	}
}

func TestOpenRefuses(t *testing.T) {
	testhost.Clean(t)
	_, err := netns.Open(netns.Options{RunDir: "here"})
	is(t, err, errdefs.ErrBadRequest)
	_, err = netns.Open(netns.Options{RunDir: "/run/a\x00b"})
	is(t, err, errdefs.ErrBadRequest)
}

func TestPortsArePublishedAndWithdrawn(t *testing.T) {
	controller := open(t)
	demo := network(t, controller, netns.NetworkConfig{Name: "demo"})
	web := sandbox(t, controller, "web")
	endpoint := must(demo.Connect(web, netns.EndpointConfig{Name: "web", Ports: []string{"8080:80"}}))
	if !slices.Equal(endpoint.Ports, []string{"8080:80/tcp"}) {
		t.Error(endpoint.Ports)
	}
	chosen := must(demo.Publish("web", "443", "127.0.0.1:5353:53/udp"))
	if len(chosen) != 2 || !strings.HasSuffix(chosen[0], ":443/tcp") || chosen[1] != "127.0.0.1:5353:53/udp" {
		t.Error(chosen)
	}
	_, err := demo.Publish("web", "8080:81")
	is(t, err, errdefs.ErrAlreadyExists)
	is(t, demo.Withdraw("web", "9999:1"), errdefs.ErrNotFound)
	ok(t, demo.Withdraw("web", chosen...))
	if now := must(demo.Endpoint("web")).Ports; !slices.Equal(now, endpoint.Ports) {
		t.Error(now)
	}
	none := must(demo.Publish("web"))
	if len(none) != 0 {
		t.Error(none)
	}
}

func TestTheFirewallComesBack(t *testing.T) {
	controller := open(t)
	network(t, controller, netns.NetworkConfig{Name: "demo"})
	had := len(testhost.NFT(t, "list", "ruleset"))
	testhost.Execute(t, "nft", "flush", "ruleset")
	ok(t, controller.RestoreFirewall())
	if now := len(testhost.NFT(t, "list", "ruleset")); now != had {
		t.Error(had, now)
	}
	watch := must(controller.WatchFirewall())
	testhost.Execute(t, "nft", "flush", "ruleset")
	testhost.Eventually(t, func() bool { return len(testhost.NFT(t, "list", "ruleset")) == had })
	ok(t, watch.Close())
	ok(t, watch.Close())
}

func TestCollectFindsWhatIsLeft(t *testing.T) {
	controller := open(t)
	demo := network(t, controller, netns.NetworkConfig{Name: "demo"})
	web := sandbox(t, controller, "web")
	must(demo.Connect(web, netns.EndpointConfig{Name: "web"}))
	testhost.Execute(t, "ip", "netns", "delete", "web")
	planned, found := must(controller.PlanCollect()), must(controller.Collect())
	if len(planned) == 0 || len(found) == 0 || found[0].Object == "" || found[0].Reason == "" || found[0].Error != "" {
		t.Error(planned, found)
	}
	if again := must(controller.Collect()); len(again) != 0 {
		t.Error(again)
	}
}

func TestWhatIsLeftIsSeenBeforeItIsPutRight(t *testing.T) {
	testhost.Clean(t)
	where := options(t.TempDir())
	first := openAt(t, where)
	demo := network(t, first, netns.NetworkConfig{Name: "demo"})
	web := sandbox(t, first, "web")
	must(demo.Connect(web, netns.EndpointConfig{Name: "web"}))
	testhost.Execute(t, "ip", "netns", "delete", "web")
	where.Uncollected = true
	looking := openAt(t, where)
	if planned := must(looking.PlanCollect()); len(planned) == 0 || len(must(looking.Endpoints())) != 1 {
		t.Error(planned)
	}
	where.Uncollected = false
	if left := must(openAt(t, where).Endpoints()); len(left) != 0 {
		t.Error(left)
	}
}

func TestDiscoveryReachesNoDriver(t *testing.T) {
	controller := open(t)
	node := []byte(`{"Address": "192.0.2.1"}`)
	ok(t, controller.DiscoverNew(netns.DiscoveryNode, node))
	ok(t, controller.DiscoverDelete(netns.DiscoveryNode, node))
	is(t, controller.DiscoverNew(99, node), errdefs.ErrBadRequest)
	is(t, controller.DiscoverDelete(netns.DiscoveryNode, []byte("{")), errdefs.ErrBadRequest)
	is(t, controller.DiscoverNew(1<<32+netns.DiscoveryNode, node), errdefs.ErrBadRequest)
	is(t, controller.DiscoverNew(-1, node), errdefs.ErrBadRequest)
}

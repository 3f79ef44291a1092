package testhost_test

import (
	"os"
	"reflect"
	"testing"

	"libnetns.dev/go/netns/internal/testhost"
)

func TestMain(m *testing.M) {
	os.Exit(testhost.Run(m))
}

func TestTheHostIsEmpty(t *testing.T) {
	if links := testhost.Links(); !reflect.DeepEqual(links, []string{"lo"}) {
		t.Error("links:", links)
	}
	for _, place := range []string{"/etc/libnetns", "/run/netns", "/run/libnetns", "/sys/fs/bpf/libnetns"} {
		if entries, _ := os.ReadDir(place); len(entries) > 0 {
			t.Error(place, entries)
		}
	}
	if testhost.Here() != testhost.Home() {
		t.Error("a thread is elsewhere")
	}
}

func TestWhatIsLeftIsSeen(t *testing.T) {
	testhost.Clean(t)
	before := testhost.Look()
	testhost.Execute(t, "ip", "link", "add", "left", "type", "veth", "peer", "over")
	file, err := os.Open("/etc/hostname")
	if err != nil {
		t.Fatal(err)
	}
	now := testhost.Look()
	if len(now.Links) != len(before.Links)+2 || len(now.Descriptors) != len(before.Descriptors)+1 {
		t.Errorf("%+v", now)
	}
	file.Close()
	testhost.Execute(t, "ip", "link", "delete", "left")
}

func TestProgramsAnswer(t *testing.T) {
	if lo := testhost.IP(t, "link", "show", "lo"); lo[0]["ifname"] != "lo" {
		t.Error(lo)
	}
	if rules := testhost.NFT(t, "list", "ruleset"); len(rules) != 1 {
		t.Error(rules)
	}
}

package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"libnetns.dev/go/netns/internal/testhost"
)

func TestMain(m *testing.M) {
	os.Exit(testhost.Run(m))
}

func TestAContainerGetsItsInterface(t *testing.T) {
	testhost.Clean(t)
	var out strings.Builder
	if err := run(&out, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	said, address, found := strings.Cut(strings.TrimSpace(out.String()), " has eth0 with ")
	if prefix, err := netip.ParsePrefix(address); !found || err != nil || !prefix.Addr().IsPrivate() {
		t.Error(out.String())
	}
	if filepath.Base(said) != containerID {
		t.Error(said)
	}
}

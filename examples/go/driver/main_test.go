package main

import (
	"os"
	"strings"
	"testing"

	"libnetns.dev/go/netns/internal/testhost"
)

func TestMain(m *testing.M) {
	os.Exit(testhost.Run(m))
}

func TestTheDriverConnects(t *testing.T) {
	testhost.Clean(t)
	var out strings.Builder
	if err := run(&out); err != nil {
		t.Fatal(err)
	}
	for _, said := range []string{"wired has eth0 with ", "/32\n", "the wire is cut", "endpoint phone leaves\n"} {
		if !strings.Contains(out.String(), said) {
			t.Errorf("%q is not in %q", said, out.String())
		}
	}
}

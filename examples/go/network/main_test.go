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

func TestAContainerGetsItsInterface(t *testing.T) {
	testhost.Clean(t)
	var out strings.Builder
	if err := run(&out, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "/"+containerID+" has eth0 with 10.") {
		t.Error(out.String())
	}
}

package argument_test

import (
	"errors"
	"math"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/internal/argument"
)

func TestKey(t *testing.T) {
	for _, path := range []string{"/run/netns/web", "/run/netns/web/", "/run//netns/./web//"} {
		directory, name, err := argument.Key("open sandbox", path)
		if directory != "/run/netns" || name != "web" || err != nil {
			t.Errorf("%q: %q, %q, %v", path, directory, name, err)
		}
	}
	for _, path := range []string{"", "/", "//", "/.", ".", "..", "web", "netns/web", "/run/netns/..", "/run/../web"} {
		_, _, err := argument.Key("open sandbox", path)
		if !errors.Is(err, errdefs.ErrBadRequest) {
			t.Errorf("%q: %v", path, err)
		}
	}
}

func TestProcessAndState(t *testing.T) {
	for pid, right := range map[int]bool{0: true, 1: true, math.MaxInt32: true, -1: false, math.MaxInt32 + 1: false} {
		if number, err := argument.Process("move link", "a", pid); (err == nil) != right || right && number != uint32(pid) {
			t.Error(pid, number, err)
		}
	}
	if _, err := argument.State(nil); !errors.Is(err, errdefs.ErrBadRequest) {
		t.Error(err)
	}
	if text, err := argument.State(&specs.State{ID: "web"}); text != `{"ociVersion":"","id":"web","status":"","bundle":""}` || err != nil {
		t.Error(text, err)
	}
}

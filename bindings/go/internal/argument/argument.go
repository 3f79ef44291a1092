// Package argument is arguments that more than one package reads.
package argument

import (
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"libnetns.dev/go/netns/errdefs"
)

// Key is the directory and the name of the path at which a namespace is mounted. Slashes too many are no others than one;
// where ".." leads only the kernel knows.
func Key(operation, path string) (directory, name string, err error) {
	if !filepath.IsAbs(path) {
		return "", "", refused(operation, fmt.Sprintf("%q", path), "its path is not absolute")
	}
	if slices.Contains(strings.Split(path, "/"), "..") {
		return "", "", refused(operation, fmt.Sprintf("%q", path), "its path has a \"..\"")
	}
	path = filepath.Clean(path)
	if path == "/" {
		return "", "", refused(operation, fmt.Sprintf("%q", path), "its path has no name")
	}
	return filepath.Dir(path), filepath.Base(path), nil
}

// Process is the number of a process; 0 is none.
func Process(operation, subject string, pid int) (uint32, error) {
	if pid < 0 || pid > math.MaxInt32 {
		return 0, refused(operation, subject, fmt.Sprintf("%d is no process", pid))
	}
	return uint32(pid), nil
}

// State is the state of a container as JSON.
func State(state *specs.State) (string, error) {
	if state == nil {
		return "", refused("use", "the state of a container", "it is nil")
	}
	text, err := json.Marshal(state)
	return string(text), err
}

func refused(operation, subject, cause string) error {
	return errdefs.New(errdefs.ErrBadRequest, operation, subject, cause)
}

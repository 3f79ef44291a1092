package testhost

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// settle is how long the kernel may take to make what is gone disappear.
const settle = 5 * time.Second

// State is what can be left behind, as others see it.
type State struct {
	// Links is the names of the host's links.
	Links []string
	// Namespaces is the names in /run/netns.
	Namespaces []string
	// Mounts is the mount points.
	Mounts []string
	// Descriptors is what the process has open.
	Descriptors []string
	// Strangers is the threads that are in another network namespace than the process.
	Strangers []string
}

// Look is the state of now.
func Look() State {
	return State{Links(), names("/run/netns"), mounts(), Descriptors(), strangers()}
}

// Returned waits until the state is this one again, and says what is different if it does not become so.
func (s State) Returned() error {
	deadline := time.Now().Add(settle)
	for {
		now := Look()
		if reflect.DeepEqual(s, now) {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("gone %v, new %v", s.without(now), now.without(s))
		}
		runtime.GC()
		time.Sleep(5 * time.Millisecond)
	}
}

// without is what the other state does not have.
func (s State) without(other State) []string {
	has := other.all()
	var more []string
	for _, one := range s.all() {
		if at := slices.Index(has, one); at >= 0 {
			has = slices.Delete(has, at, at+1)
			continue
		}
		more = append(more, one)
	}
	return more
}

func (s State) all() []string {
	return slices.Concat(s.Links, s.Namespaces, s.Mounts, s.Descriptors, s.Strangers)
}

// Clean fails the test when it does not leave everything as it was.
func Clean(t testing.TB) {
	t.Helper()
	before := Look()
	t.Cleanup(func() {
		if err := before.Returned(); err != nil {
			t.Error("left behind:", err)
		}
	})
}

// Eventually waits until it holds, or fails the test.
func Eventually(t testing.TB, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(settle)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatal("it did not come true")
		}
		time.Sleep(time.Millisecond)
	}
}

// Here is the network namespace of the calling thread, as "net:[4026531840]". The caller's goroutine is to be locked
// to its thread for the answer to last.
func Here() string {
	return read("/proc/thread-self/ns/net")
}

// Home is the network namespace of the process.
func Home() string {
	return read("/proc/self/ns/net")
}

// Descriptors is what the process has open: what each descriptor leads to, sorted.
func Descriptors() []string {
	var open []string
	for _, name := range names("/proc/self/fd") {
		// That of the listing itself is gone by now.
		if leads, err := os.Readlink(filepath.Join("/proc/self/fd", name)); err == nil {
			open = append(open, leads)
		}
	}
	slices.Sort(open)
	return open
}

func strangers() []string {
	var found []string
	home := Home()
	for _, task := range names("/proc/self/task") {
		own, err := os.Readlink(filepath.Join("/proc/self/task", task, "ns/net"))
		if err == nil && own != home {
			found = append(found, task+" "+own)
		}
	}
	return found
}

func mounts() []string {
	text, err := os.ReadFile("/proc/thread-self/mountinfo")
	if err != nil {
		panic(err)
	}
	var points []string
	for line := range strings.Lines(string(text)) {
		points = append(points, strings.Fields(line)[4])
	}
	slices.Sort(points)
	return points
}

func names(directory string) []string {
	entries, _ := os.ReadDir(directory)
	var found []string
	for _, entry := range entries {
		found = append(found, entry.Name())
	}
	return found
}

func read(link string) string {
	leads, err := os.Readlink(link)
	if err != nil {
		panic(err)
	}
	return leads
}

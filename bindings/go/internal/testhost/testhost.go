// Package testhost gives the tests of a package a host of their own: a network namespace and a mount namespace in which
// /run, /etc/libnetns, /sys/fs/bpf and /var/lib are empty and private, and lo is up. What they leave there fails them.
//
//	func TestMain(m *testing.M) { os.Exit(testhost.Run(m)) }
package testhost

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// inside is set for the process that is in its host.
const inside = "NETNS_TESTHOST"

// Run executes the test binary again in a host of its own, runs the tests there and gives the status to exit with. It
// fails where the process may not make one.
func Run(m *testing.M) int {
	if os.Getenv(inside) == "" {
		return outside()
	}
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, "testhost:", err)
		return 1
	}
	before := Look()
	status := m.Run()
	if err := before.Returned(); err != nil && status == 0 {
		fmt.Fprintln(os.Stderr, "testhost: the tests left something:", err)
		return 1
	}
	return status
}

func outside() int {
	if os.Geteuid() != 0 {
		fmt.Fprintln(os.Stderr, "testhost: these tests make network and mount namespaces: run them as root")
		return 1
	}
	// What dies with its parent dies with the thread that started it.
	runtime.LockOSThread()
	command := exec.Command("/proc/self/exe", os.Args[1:]...)
	command.Args[0] = os.Args[0]
	command.Env = append(os.Environ(), inside+"=1")
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{
		Unshareflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET,
		Pdeathsig:    syscall.SIGKILL,
	}
	err := command.Run()
	var ended *exec.ExitError
	if errors.As(err, &ended) && ended.ExitCode() > 0 {
		return ended.ExitCode()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "testhost: run as root with CAP_SYS_ADMIN and CAP_NET_ADMIN:", err)
		return 1
	}
	return 0
}

func prepare() error {
	for _, place := range []string{"/run", "/var/lib"} {
		if err := mount("tmpfs", place, "tmpfs", 0); err != nil {
			return err
		}
	}
	if mount("bpf", "/sys/fs/bpf", "bpf", 0) != nil {
		if err := mount("tmpfs", "/sys/fs/bpf", "tmpfs", 0); err != nil {
			return err
		}
	}
	if err := prepareEtc(); err != nil {
		return err
	}
	if text, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		return fmt.Errorf("ip link set lo up: %w: %s", err, text)
	}
	return warm()
}

// prepareEtc makes an /etc of links to the machine's, with a libnetns of its own: nothing is made in the machine's.
func prepareEtc() error {
	const machine, private = "/run/etc", "/run/private-etc"
	if err := errors.Join(os.Mkdir(machine, 0o755), os.Mkdir(private, 0o755)); err != nil {
		return err
	}
	if err := mount("/etc", machine, "", syscall.MS_BIND); err != nil {
		return err
	}
	entries, err := os.ReadDir(machine)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() == "libnetns" {
			continue
		}
		name := entry.Name()
		if err := os.Symlink(filepath.Join(machine, name), filepath.Join(private, name)); err != nil {
			return err
		}
	}
	if err := os.Mkdir(filepath.Join(private, "libnetns"), 0o755); err != nil {
		return err
	}
	return mount(private, "/etc", "", syscall.MS_BIND)
}

func mount(source, target, kind string, flags uintptr) error {
	if err := syscall.Mount(source, target, kind, flags, ""); err != nil {
		return fmt.Errorf("mount %s: %w", target, err)
	}
	return nil
}

// warm makes Go open what it keeps open, so that descriptors can be compared.
func warm() error {
	reader, writer, err := os.Pipe()
	if err != nil {
		return err
	}
	defer reader.Close()
	defer writer.Close()
	return reader.SetReadDeadline(time.Now())
}

// CannotRun skips the test, and adds it to the file that the environment variable NETNS_TEST_SKIPPED names.
func CannotRun(t testing.TB, reason string) {
	t.Helper()
	if path := os.Getenv("NETNS_TEST_SKIPPED"); path != "" {
		file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		fmt.Fprintf(file, "go %s: %s\n", t.Name(), reason)
	}
	t.Skip(reason)
}

package testhost

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"testing"
)

// Object is an object of a program's JSON.
type Object = map[string]any

// IP is what `ip -d -j` answers in the host.
func IP(t testing.TB, args ...string) []Object {
	t.Helper()
	return ask[[]Object](t, "ip", append([]string{"-d", "-j"}, args...)...)
}

// IPIn is what `ip -n NAME -d -j` answers: in the namespace of that name in /run/netns.
func IPIn(t testing.TB, name string, args ...string) []Object {
	t.Helper()
	return ask[[]Object](t, "ip", append([]string{"-n", name, "-d", "-j"}, args...)...)
}

// NFT is the objects that `nft -j` answers in the host.
func NFT(t testing.TB, args ...string) []Object {
	t.Helper()
	return ask[struct{ Nftables []Object }](t, "nft", append([]string{"-j"}, args...)...).Nftables
}

// Execute runs a program, which must succeed, and gives what it wrote.
func Execute(t testing.TB, program string, args ...string) string {
	t.Helper()
	text, err := output(program, args...)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Links is the names of the host's links, sorted.
func Links() []string {
	text, err := output("ip", "-j", "link")
	if err != nil {
		panic(err)
	}
	var links []struct {
		Name string `json:"ifname"`
	}
	if err := json.Unmarshal(text, &links); err != nil {
		panic(err)
	}
	var found []string
	for _, link := range links {
		found = append(found, link.Name)
	}
	slices.Sort(found)
	return found
}

func ask[T any](t testing.TB, program string, args ...string) T {
	t.Helper()
	var answer T
	text := Execute(t, program, args...)
	if text == "" {
		return answer
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatalf("%s %v: %v: %s", program, args, err, text)
	}
	return answer
}

func output(program string, args ...string) ([]byte, error) {
	command := exec.Command(program, args...)
	text, err := command.Output()
	if ended, ok := err.(*exec.ExitError); ok {
		return nil, fmt.Errorf("%s %v: %w: %s", program, args, err, ended.Stderr)
	}
	return text, err
}

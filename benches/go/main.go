// Command benches measures what the Go packages cost, beside the same in Rust and beside vishvananda/netlink, taken in
// turn. It runs in a network namespace of its own, and writes go.json to a directory: scripts/bench-go.
//
// With the word "tool" it does the job of the comparison of tools instead: tool.go.
//
// usage: benches DIRECTORY WORKER [PAIRS]
package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

const (
	// pause is before each sample, so that it does not pay for what the kernel put off of the other side's.
	pause = 4 * time.Millisecond
	// warm is how many pairs are not counted.
	warm = 5
	// round is how many pairs there are before the bridge is empty again: a join takes longer the more ports it has.
	round = 50
	// interfaces is how many are read at once.
	interfaces = 1000
)

type bound struct {
	name   string
	atMost bool
	value  float64
}

var bounds = []bound{
	{"go_join_over_rust", true, 1.05},
	{"vishvananda_over_go", false, 10},
	{"stats_1000_allocations", true, 0},
}

func main() {
	if len(os.Args) == 5 && os.Args[1] == "tool" {
		work(os.Args[2], os.Args[3], must(netip.ParsePrefix(os.Args[4])))
		return
	}
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: benches DIRECTORY WORKER [PAIRS]")
		os.Exit(2)
	}
	pairs := 300
	if len(os.Args) > 3 {
		pairs = must(strconv.Atoi(os.Args[3]))
	}
	figures := map[string]float64{}
	maps.Copy(figures, joins(os.Args[2], pairs))
	maps.Copy(figures, peers(pairs))
	maps.Copy(figures, reads())
	for _, bound := range bounds {
		fmt.Println(bound.said(figures))
	}
	for _, name := range slices.Sorted(maps.Keys(figures)) {
		fmt.Printf("  %s: %.3f\n", name, figures[name])
	}
	machine := json.RawMessage(must(exec.Command(os.Args[2], "--machine").Output()))
	file := map[string]any{"bounds": words(), "machine": machine}
	for name, value := range figures {
		file[name] = value
	}
	path := filepath.Join(os.Args[1], "go.json")
	must(0, os.MkdirAll(os.Args[1], 0o755))
	must(0, os.WriteFile(path, append(must(json.MarshalIndent(file, "", "  ")), '\n'), 0o644))
	fmt.Println("written to", path)
}

// words are the bounds as files of figures have them: the relation and the number.
func words() map[string][2]any {
	all := map[string][2]any{}
	for _, bound := range bounds {
		relation := "at least"
		if bound.atMost {
			relation = "at most"
		}
		all[bound.name] = [2]any{relation, bound.value}
	}
	return all
}

func (b bound) said(figures map[string]float64) string {
	value, measured := figures[b.name]
	sign, met := ">=", value >= b.value
	if b.atMost {
		sign, met = "<=", value <= b.value
	}
	switch {
	case !measured:
		return fmt.Sprintf("%s: not measured", b.name)
	case met:
		return fmt.Sprintf("%s: %.3f (%s %v)", b.name, value, sign, b.value)
	}
	return fmt.Sprintf("%s: %.3f (%s %v) MISSED", b.name, value, sign, b.value)
}

// must ends the program where there is an error: a benchmark has nothing to save.
func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	return value
}

func timed(action func()) time.Duration {
	time.Sleep(pause)
	begin := time.Now()
	action()
	return time.Since(begin)
}

// inTurn is both, each of them first every second time.
func inTurn(number int, one, other func() time.Duration) [2]time.Duration {
	if number%2 == 0 {
		first := one()
		return [2]time.Duration{first, other()}
	}
	second := other()
	return [2]time.Duration{one(), second}
}

// medians is each side's, in microseconds.
func medians(samples [][2]time.Duration) (one, other float64) {
	middle := func(side int) float64 {
		took := make([]time.Duration, len(samples))
		for i, sample := range samples {
			took[i] = sample[side]
		}
		slices.Sort(took)
		return float64((took[(len(took)-1)/2] + took[len(took)/2]).Nanoseconds()) / 2e3
	}
	return middle(0), middle(1)
}

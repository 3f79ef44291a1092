package netns_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"libnetns.dev/go/netns/internal/testhost"
)

var blocks = regexp.MustCompile("(?s)```go\n(.*?)```")

// blocksOf is the programs in a page.
func blocksOf(t *testing.T, page string) []string {
	t.Helper()
	var found []string
	for _, block := range blocks.FindAllStringSubmatch(string(must(os.ReadFile(page))), -1) {
		found = append(found, block[1])
	}
	if len(found) == 0 {
		t.Fatal(page, "has no program")
	}
	return found
}

// goRun compiles and runs a program of this module.
func goRun(t *testing.T, program string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "main.go")
	ok(t, os.WriteFile(file, []byte(program), 0o600))
	text, err := exec.Command("go", "run", "-race", file).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s\n%s", err, text, program)
	}
	return string(text)
}

func TestTheQuickStartRuns(t *testing.T) {
	testhost.Clean(t)
	text := goRun(t, blocksOf(t, "README.md")[0])
	if !strings.Contains(text, "/run/netns/web has eth0 ") {
		t.Error(text)
	}
}

// around is what the fragments of a page are in.
const around = `package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"time"

	"libnetns.dev/go/netns"
	"libnetns.dev/go/netns/errdefs"
)

var _ = []any{context.Background, errors.New, fmt.Println, fs.ErrExist, slog.LevelInfo, net.Dial, os.Exit, exec.Command,
	time.Now, errdefs.ErrBusy}

func main() {
	controller, err := netns.Open(netns.Options{})
	fail(err)
	defer controller.Close()
%s}

func fail(err error) {
	if err != nil {
		panic(err)
	}
}

%s`

func TestTheGuidesFragmentsRun(t *testing.T) {
	testhost.Clean(t)
	var calls, functions strings.Builder
	for number, block := range blocksOf(t, "../../docs/go.md") {
		fmt.Fprintf(&calls, "\tin(controller, fragment%d)\n", number)
		fmt.Fprintf(&functions, "func fragment%d(controller *netns.Controller, web *netns.Sandbox) error {\n%s\nreturn nil\n}\n\n", number, block)
	}
	functions.WriteString(`func in(controller *netns.Controller, fragment func(*netns.Controller, *netns.Sandbox) error) {
	web, err := controller.CreateSandbox("web")
	fail(err)
	defer web.Destroy()
	fail(fragment(controller, web))
}
`)
	text := goRun(t, fmt.Sprintf(around, calls.String(), functions.String()))
	if strings.Contains(text, "false") || !strings.Contains(text, "sandbox_destroyed") {
		t.Error(text)
	}
}

package netns_test

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"libnetns.dev/go/netns"
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

func TestTheQuickStartsRun(t *testing.T) {
	for _, page := range []string{"README.md", "../../README.md"} {
		testhost.Clean(t)
		text := goRun(t, blocksOf(t, page)[0])
		if !strings.Contains(text, "/run/netns/web has eth0") {
			t.Error(page, text)
		}
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
)

var _ = []any{context.Background, errors.New, fmt.Println, fs.ErrExist, slog.LevelInfo, net.Dial, os.Exit, exec.Command,
	time.Now}

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

// needs is the shared libraries of a program that was built so.
func needs(t *testing.T, args ...string) []string {
	t.Helper()
	directory := t.TempDir()
	source, program := filepath.Join(directory, "main.go"), filepath.Join(directory, "program")
	const text = `package main; import "libnetns.dev/go/netns"; func main() { println(netns.Version()) }`
	ok(t, os.WriteFile(source, []byte(text), 0o600))
	args = append(append([]string{"build", "-o", program}, args...), source)
	said, err := exec.Command("go", args...).CombinedOutput()
	// A plugin's host name is looked up by the C library, of which glibc says this when it is linked statically.
	const lookup = "warning: Using 'getaddrinfo' in statically linked applications"
	lines := slices.DeleteFunc(strings.Split(strings.TrimSpace(string(said)), "\n"), func(line string) bool {
		return line == "" || line == "# command-line-arguments" || strings.Contains(line, lookup)
	})
	if err != nil || len(lines) > 0 {
		t.Fatalf("%v: %s", err, said)
	}
	ran := exec.Command(program)
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "LD_LIBRARY_PATH=") {
			ran.Env = append(ran.Env, variable)
		}
	}
	if said, err := ran.CombinedOutput(); err != nil || string(said) != netns.Version()+"\n" {
		t.Fatalf("%v: %s", err, said)
	}
	file := must(elf.Open(program))
	defer file.Close()
	return must(file.ImportedLibraries())
}

func TestStaticProgramsNeedNothing(t *testing.T) {
	for _, library := range needs(t, "-tags", "netns_static") {
		if strings.Contains(library, "netns") || strings.Contains(library, "gcc") {
			t.Error("it needs", library)
		}
	}
	// One that is not there is answered by its bare name.
	if path, err := exec.Command("cc", "-print-file-name=libc.a").Output(); err != nil || !strings.Contains(string(path), "/") {
		testhost.CannotRun(t, "there is no static C library")
	}
	whole := needs(t, "-tags", "netns_static,netgo,osusergo", "-ldflags", "-linkmode external -extldflags -static")
	if len(whole) > 0 {
		t.Error("it needs", whole)
	}
}

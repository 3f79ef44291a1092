package netns_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"

	"libnetns.dev/go/netns"
	"libnetns.dev/go/netns/errdefs"
)

// errorsOf is the names of a file's errors.
func errorsOf(t *testing.T, path string) []string {
	t.Helper()
	file := must(parser.ParseFile(token.NewFileSet(), path, nil, 0))
	var names []string
	for _, declared := range file.Decls {
		of, ok := declared.(*ast.GenDecl)
		if !ok || of.Tok != token.CONST && of.Tok != token.VAR {
			continue
		}
		for _, spec := range of.Specs {
			for _, name := range spec.(*ast.ValueSpec).Names {
				if strings.HasPrefix(name.Name, "Err") {
					names = append(names, name.Name)
				}
			}
		}
	}
	slices.Sort(names)
	return names
}

func TestAllErrorsHaveNamesHere(t *testing.T) {
	of, here := errorsOf(t, "errdefs/errdefs.go"), errorsOf(t, "errors.go")
	if len(here) < 14 || !slices.Equal(of, here) {
		t.Error(of, here)
	}
	controller := open(t)
	_, err := controller.OpenNetwork("blue")
	is(t, err, netns.ErrNoNetwork)
	is(t, err, netns.ErrNotFound)
	ok(t, controller.Close())
	_, err = controller.Networks()
	is(t, err, netns.ErrClosed)
	is(t, errdefs.ErrBusy, netns.ErrBusy)
}

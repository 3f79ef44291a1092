package netns_test

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"iter"
	"reflect"
	"strings"
	"testing"

	"libnetns.dev/go/netns"
	"libnetns.dev/go/netns/errdefs"
)

// closable is every type of the package that is closed, with one that is open.
func closable(t *testing.T) []interface{ Close() error } {
	controller := open(t)
	demo := network(t, controller, netns.NetworkConfig{Name: "demo"})
	web := sandbox(t, controller, "web")
	bridge := must(netns.CreateBridge("nine", netns.BridgeOptions{}))
	meter, err := controller.Meter()
	if err != nil {
		// Where bpf is not permitted there is none that is open.
		meter = &netns.Meter{}
	}
	t.Cleanup(func() {
		again := must(netns.CreateBridge("nine", netns.BridgeOptions{}))
		ok(t, again.Delete())
		ok(t, again.Close())
	})
	return []interface{ Close() error }{
		must(netns.Open(netns.Options{RunDir: t.TempDir(), NetworksDir: t.TempDir()})),
		must(controller.OpenNetwork(demo.Name())),
		must(controller.OpenSandbox(web.Name())),
		must(web.Namespace()),
		must(controller.Events()),
		must(controller.WatchFirewall()),
		bridge,
		meter,
	}
}

func TestNilZeroAndClosedObjectsSaySo(t *testing.T) {
	tested := map[string]bool{}
	for _, object := range closable(t) {
		of := reflect.TypeOf(object)
		tested[of.Elem().Name()] = true
		ok(t, object.Close())
		for state, value := range map[string]reflect.Value{
			"nil":    reflect.Zero(of),
			"zero":   reflect.New(of.Elem()),
			"closed": reflect.ValueOf(object),
		} {
			for i := range of.NumMethod() {
				callClosed(t, state, value, of.Method(i).Name)
			}
		}
	}
	for _, name := range typesWithClose(t) {
		if !tested[name] {
			t.Errorf("%s is not tested", name)
		}
	}
}

// callClosed calls a method with zero values, which must answer that the object is closed.
func callClosed(t *testing.T, state string, object reflect.Value, name string) {
	t.Helper()
	defer func() {
		if panicked := recover(); panicked != nil {
			t.Errorf("%s of %s %s: panic: %v", name, state, object.Type(), panicked)
		}
	}()
	method := object.MethodByName(name)
	for _, answer := range method.Call(zeroArguments(method.Type())) {
		if events, is := answer.Interface().(iter.Seq2[netns.Event, error]); is {
			for event, err := range events {
				t.Errorf("%s of %s %s: %v %v", name, state, object.Type(), event, err)
			}
		}
	}
	answers := method.Call(zeroArguments(method.Type()))
	err, fails := answers[len(answers)-1].Interface().(error)
	mayFail := method.Type().Out(len(answers)-1) == reflect.TypeFor[error]()
	if name == "Close" {
		if err != nil {
			t.Errorf("Close of %s %s: %v", state, object.Type(), err)
		}
		return
	}
	if !mayFail {
		return
	}
	if !fails {
		t.Errorf("%s of %s %s: no error", name, state, object.Type())
		return
	}
	is(t, err, errdefs.ErrClosed)
	is(t, err, errdefs.ErrForbidden)
	if !strings.Contains(err.Error(), "is closed") {
		t.Error(err)
	}
}

func zeroArguments(function reflect.Type) []reflect.Value {
	var arguments []reflect.Value
	for i := range function.NumIn() {
		argument := function.In(i)
		if function.IsVariadic() && i == function.NumIn()-1 {
			break
		}
		if argument == reflect.TypeFor[context.Context]() {
			arguments = append(arguments, reflect.ValueOf(context.Background()))
			continue
		}
		arguments = append(arguments, reflect.Zero(argument))
	}
	return arguments
}

// typesWithClose is the package's types that have a method Close.
func typesWithClose(t *testing.T) []string {
	t.Helper()
	noTests := func(info fs.FileInfo) bool { return !strings.HasSuffix(info.Name(), "_test.go") }
	packages, err := parser.ParseDir(token.NewFileSet(), ".", noTests, 0)
	ok(t, err)
	var names []string
	ast.Inspect(packages["netns"], func(node ast.Node) bool {
		function, is := node.(*ast.FuncDecl)
		if is && function.Recv != nil && function.Name.Name == "Close" {
			receiver := function.Recv.List[0].Type.(*ast.StarExpr).X.(*ast.Ident).Name
			names = append(names, receiver)
		}
		return true
	})
	if len(names) == 0 {
		t.Error("none")
	}
	return names
}

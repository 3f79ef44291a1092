package errdefs

import (
	"fmt"
	"runtime/debug"
)

// Panic is what a function of the program panicked with. It is the cause of an ErrPanic that comes from a callback, and
// Sandbox.Do and Namespace.Do of package netns panic with it: errors.As, or recover, finds the value.
type Panic struct {
	// Value is what was given to panic.
	Value any
	// Stack is where, as of debug.Stack.
	Stack []byte
}

// Panicked is a Panic of what recover answered, where that is called by the deferred function itself. One that is a
// *Panic already stays what it is.
func Panicked(value any) *Panic {
	if known, ok := value.(*Panic); ok && known != nil {
		return known
	}
	return &Panic{Value: value, Stack: debug.Stack()}
}

// Short is the value in words, without the stack.
func (p *Panic) Short() string { return fmt.Sprintf("panic: %v", p.Value) }

// Error is the value in words, and the stack.
func (p *Panic) Error() string { return p.Short() + "\n\n" + string(p.Stack) }

// Is is for ErrPanic.
func (p *Panic) Is(target error) bool { return target == ErrPanic }

// Unwrap is the value, if it was an error.
func (p *Panic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

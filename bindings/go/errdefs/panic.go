package errdefs

import "fmt"

// Panic is the cause of an ErrPanic that comes from a callback of the program: what it panicked with.
type Panic struct {
	// Value is what was given to panic.
	Value any
	// Stack is where, as of debug.Stack.
	Stack []byte
}

// Error is the value in words.
func (p *Panic) Error() string { return fmt.Sprintf("panic: %v", p.Value) }

// Unwrap is the value, if it was an error.
func (p *Panic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

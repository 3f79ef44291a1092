package driverapi

import "fmt"

// ErrNoNetwork is that no network of this id exists.
type ErrNoNetwork string

// Error is the error in words.
func (enn ErrNoNetwork) Error() string { return fmt.Sprintf("no network (%s) exists", string(enn)) }

// NotFound marks the category.
func (enn ErrNoNetwork) NotFound() {}

// ErrEndpointExists is that a network has the endpoint already.
type ErrEndpointExists string

// Error is the error in words.
func (ee ErrEndpointExists) Error() string {
	return fmt.Sprintf("endpoint (%s) already exists", string(ee))
}

// Forbidden marks the category.
func (ee ErrEndpointExists) Forbidden() {}

// ErrNoEndpoint is that no endpoint of this id exists.
type ErrNoEndpoint string

// Error is the error in words.
func (ene ErrNoEndpoint) Error() string {
	return fmt.Sprintf("no endpoint (%s) exists", string(ene))
}

// NotFound marks the category.
func (ene ErrNoEndpoint) NotFound() {}

// ErrActiveRegistration is that a type of network has a driver already.
type ErrActiveRegistration string

// Error is the error in words.
func (ar ErrActiveRegistration) Error() string {
	return fmt.Sprintf("driver already registered for type %q", string(ar))
}

// Forbidden marks the category.
func (ar ErrActiveRegistration) Forbidden() {}

// ErrNotImplemented is what a driver answers to what it does not offer.
type ErrNotImplemented struct{}

// Error is the error in words.
func (eni *ErrNotImplemented) Error() string { return "the API is not implemented yet" }

// NotImplemented marks the category.
func (eni *ErrNotImplemented) NotImplemented() {}

package netns

import (
	"errors"

	"libnetns.dev/go/netns/driverapi"
	"libnetns.dev/go/netns/errdefs"
	"libnetns.dev/go/netns/internal/native"
)

var _ driverapi.DriverCallback = (*Controller)(nil)

// RegisterDriver associates a driver with a type of network (seed 004). The type is 1 to 64 letters, digits, '_', '.'
// and '-', the first a letter or a digit. It is known to this controller alone, until that is closed and no object of it
// is left. The library refers to the driver until then: a controller that its own driver refers to is never collected as
// garbage, and needs Close. A type that has a driver is driverapi.ErrActiveRegistration, by errors.As.
func (c *Controller) RegisterDriver(name string, driver driverapi.Driver, capability driverapi.Capability) error {
	err := native.RegisterDriver(c.native(), name, driver, capability)
	var refused *errdefs.Error
	if errors.As(err, &refused) && refused.Kind == errdefs.ErrForbidden && refused.Cause == nil &&
		refused.Operation == "register driver" {
		refused.Cause = driverapi.ErrActiveRegistration(name)
	}
	return err
}

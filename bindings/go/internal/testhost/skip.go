package testhost

import (
	"fmt"
	"os"
	"testing"
)

// Skip skips the test, and says why in the file that the environment variable NETNS_TEST_SKIPPED names, if it is set: a
// skip must not go unseen.
func Skip(t testing.TB, reason string) {
	t.Helper()
	if name := os.Getenv("NETNS_TEST_SKIPPED"); name != "" {
		file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if _, err := fmt.Fprintf(file, "%s: %s\n", t.Name(), reason); err != nil {
			t.Fatal(err)
		}
	}
	t.Skip(reason)
}

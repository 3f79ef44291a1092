package netns

import (
	"context"
	"log/slog"
	"time"

	"libnetns.dev/go/netns/internal/native"
)

// logLevels is the library's levels from the most important on, by their numbers.
var logLevels = [...]slog.Level{1: slog.LevelError, 2: slog.LevelWarn, 3: slog.LevelInfo, 4: slog.LevelDebug}

// SetLogHandler has the handler hear what the library logs, in the whole process, instead of the one before: who is a
// library itself leaves this to the program. The level is the least important that is wanted; the handler's Enabled is
// asked besides. Nil is for nobody: what is not heard is written nowhere.
//
// The handler hears from any thread, several at once, from the middle of whatever the library does: it must not call the
// library, and where it does the call answers [errdefs.ErrForbidden]. The attribute "target" is the part of the library
// that a message is from. A panic of the handler is passed over;
// runtime.Goexit in it ends the process.
func SetLogHandler(handler slog.Handler, level slog.Level) error {
	if handler == nil {
		return native.ClearLog()
	}
	return native.SetLog(leastImportant(level), func(level int32, target, message string) {
		own, ctx := logLevel(level), context.Background()
		if !handler.Enabled(ctx, own) {
			return
		}
		record := slog.NewRecord(time.Now(), own, message, 0)
		record.AddAttrs(slog.String("target", target))
		_ = handler.Handle(ctx, record)
	})
}

// leastImportant is the number of the library's last level that is as important as level.
func leastImportant(level slog.Level) int32 {
	least := 0
	for number := 1; number < len(logLevels) && logLevels[number] >= level; number++ {
		least = number
	}
	return int32(least)
}

func logLevel(number int32) slog.Level {
	if number < 1 || int(number) >= len(logLevels) {
		return slog.LevelInfo
	}
	return logLevels[number]
}

package netns

// LogLevel is the library's number for the least important level.
var LogLevel = leastImportant

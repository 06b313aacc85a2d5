//go:build !linux

package main

import "time"

var initialised = time.Now()

// processAge is the time since the process was started, nearly.
func processAge() time.Duration { return time.Since(initialised) }

// peakRSS is not known on this system.
func peakRSS() int64 { return -1 }

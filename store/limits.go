package store

// A Limiter is an [Engine] that cannot hold keys or values of every size. A
// store refuses what is larger when it is put, long before it would reach the
// engine. An engine that is no Limiter has no limits.
type Limiter interface {
	// Limits returns the largest sizes in bytes of a key and of a value that
	// Apply accepts. They do not change.
	Limits() (key, value int)
}
